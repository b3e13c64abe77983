"""Vectors and probabilities from a file, for an analysis: read, matched to the project's images, and kept.

What is kept names images by their keys and classes by the project's labels, so that the analysis need not look again.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.adapters.files import write_atomically
from app.adapters.number_tables import NumberTable, read_numbers
from app.db.repositories import projects as projects_repository
from app.db.repositories import sources as sources_repository
from app.db.session import Session
from app.domain.accounts import Role, may
from app.domain.errors import InvalidFile, InvalidInput, NotAllowed
from app.domain.path_matching import PathMatcher
from app.domain.samples import NO_LABEL
from app.services.projects import Access

_FAR_FROM_ONE = 0.01
"""So far may the probabilities of an image be from 1 in sum."""


class NumberKind(StrEnum):
    """What a file says of each image: a vector, or a probability of each class."""

    VECTORS = "vectors"
    PROBABILITIES = "probabilities"


@dataclass(frozen=True)
class KeptNumbers:
    """``file`` names it when an analysis is started; ``images`` were found, ``notices`` say what was not."""

    file: str
    images: int
    width: int
    notices: list[str]


def keep_numbers(
    session: Session, access: Access, folder: Path, *, kind: NumberKind, file_name: str, data: bytes
) -> KeptNumbers:
    """Read a file and keep it in ``folder``, the uploads.

    Raises:
        InvalidFile: it can't be read, is no table of numbers, or does not fit the project's images or classes.
        NotAllowed: only leads start analyses.
    """
    if not may(access.role, Role.LEAD):
        raise NotAllowed("Files for an analysis are sent by those who may start it: leads.")
    name = Path(file_name or kind.value).name[:300]
    table = read_numbers(data, name)
    notices: list[str] = []
    keys, rows = _match(session, access.id, table, name, notices)
    values, columns = table.values[rows], table.columns
    if kind is NumberKind.PROBABILITIES:
        values, columns = _by_class(session, access.id, values, columns, name, notices)
    stream = io.BytesIO()
    np.savez(
        stream, keys=np.array(keys, np.str_), values=values, columns=np.array(columns or [], np.str_),
        notices=np.array(notices, np.str_),
    )  # fmt: skip
    digest = hashlib.sha256(data).hexdigest()[:32]
    stored = f"{kind.value}-{access.id}-{digest}.npz"
    write_atomically(folder / stored, lambda file: file.write(stream.getvalue()))
    return KeptNumbers(stored, len(keys), values.shape[1], notices)


def find_kept(project_id: int, folder: Path, kind: NumberKind, file: str) -> Path:
    """The kept file that an analysis was asked to use.

    Raises:
        InvalidInput: nothing of this name was kept for this project.
    """
    path = folder / file
    if not re.fullmatch(rf"{kind.value}-{project_id}-[0-9a-f]{{32}}\.npz", file) or not path.is_file():
        raise InvalidInput(f"This project has no file of {kind.value} {file[:100]!r}. Send it first.")
    return path


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """What was kept: ``values`` (n, d) of the images ``keys``; ``columns`` are the classes of probabilities."""

    keys: list[str]
    values: NDArray[np.float32]
    columns: list[str]
    notices: list[str]


def read_kept(path: Path) -> Numbers:
    with np.load(path, allow_pickle=False) as kept:
        texts = {name: [str(one) for one in kept[name].tolist()] for name in ("keys", "columns", "notices")}
        return Numbers(texts["keys"], kept["values"], texts["columns"], texts["notices"])


def _match(
    session: Session, project_id: int, table: NumberTable, name: str, notices: list[str]
) -> tuple[list[str], NDArray[np.intp]]:
    known = sources_repository.known_names(session, project_id)
    if table.ids is None:
        keys = sorted(projects_repository.labels_by_key(session, project_id))
        if len(keys) != len(table.values):
            raise InvalidFile(
                f"{name} has {len(table.values):,} rows and names no images, and the project has {len(keys):,} images. "
                "Send NPZ with an array 'keys', or CSV or Parquet with a column image_path."
            )
        notices.append(f"{name} names no images: its rows were taken in the order of the images' paths.")
        return keys, np.arange(len(keys))
    repeated = [one for one, times in Counter(table.ids).most_common(1) if times > 1]
    if repeated:
        raise InvalidFile(f"{name} has two rows for {repeated[0]!r}.")
    key_of = {id_: key for key, (id_, _) in projects_repository.labels_by_key(session, project_id).items()}
    found: dict[str, int] = {}
    matcher, strange = PathMatcher(known.keys()), []
    for row, given in enumerate(table.ids):
        path = "/".join(part for part in given.replace("\\", "/").split("/") if part not in ("", "."))
        match = matcher.find(path) if path and ".." not in path.split("/") else None
        if match is None or match.key is None:
            strange.append(given)
        elif found.setdefault(key_of[known[match.key][0]], row) != row:
            raise InvalidFile(f"{name} has two rows for {match.key!r}.")
    if not found:
        raise InvalidFile(
            f"{name} names none of the project's images. It has {strange[0]!r}, say; the project "
            f"{min(known, default='')!r}."
        )
    if strange:
        notices.append(f"{len(strange):,} rows of {name} name no image of the project, such as {strange[0]!r}.")
    if missing := sorted(set(key_of.values()) - found.keys()):
        notices.append(f"{name} says nothing of {len(missing):,} images, such as {missing[0]}; they were left out.")
    return list(found), np.array(list(found.values()), np.intp)


def _by_class(
    session: Session, project_id: int, values: NDArray[np.float32], columns: Sequence[str] | None, name: str,
    notices: list[str],
) -> tuple[NDArray[np.float32], list[str]]:  # fmt: skip
    sizes = projects_repository.class_sizes(session, project_id)
    classes = sorted({label for _, label in sizes if label != NO_LABEL})
    if columns is None:
        if len(classes) != values.shape[1]:
            raise InvalidFile(
                f"{name} has {values.shape[1]:,} probabilities an image, and the project {len(classes):,} classes. "
                "Name the classes: columns of CSV or Parquet, or an array 'classes' in NPZ."
            )
        notices.append(f"{name} names no classes: its columns were taken in the order of the classes' names.")
        columns = classes
    if unknown := sorted(set(columns) - set(classes)):
        raise InvalidFile(
            f"{name} has probabilities of {', '.join(map(repr, unknown[:5]))}, which is no class of the project. "
            f"It has {', '.join(map(repr, classes[:5]))} ..."
        )
    if missing := sorted(set(classes) - set(columns)):
        notices.append(f"{name} has no probability of {len(missing):,} classes, such as {missing[0]!r}.")
    sums = values.sum(axis=1)
    worst = int(np.abs(sums - 1).argmax())
    if values.min() < 0 or abs(float(sums[worst]) - 1) > _FAR_FROM_ONE:
        raise InvalidFile(
            f"{name} holds no probabilities: those of an image are 0 to 1 and 1 in sum, and row {worst + 1:,} has "
            f"{float(sums[worst]):.3f} in sum. Of a network's raw outputs take the softmax."
        )
    return np.asarray(values / sums[:, np.newaxis], np.float32), list(columns)
