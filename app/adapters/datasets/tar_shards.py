"""Tar shards as WebDataset writes them: ``000017.jpg`` beside ``000017.cls`` or ``000017.json`` in the same shard.

Only headers and labels are read; images stay where they are, and are found again by their place in the file.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from app.adapters.datasets.contract import (
    Listed,
    Reading,
    SkippedFile,
    class_names,
    is_image_name,
    make_sample,
    path_problem,
    split_of,
)
from app.adapters.datasets.shard_files import find_shards
from app.domain.errors import InvalidFile
from app.domain.formats.class_names import ClassNames
from app.domain.samples import PassedOver, SampleRef
from app.domain.sources import SourceSpec, byte_range

_LABEL_BYTES = 1 << 16
_LABEL_KEYS = ("label", "cls", "class", "class_name", "target")
_LABEL_ENDINGS = ("cls", "json", "txt")
"""In the order in which they are believed."""


def read_tar_shards(spec: SourceSpec, known: Mapping[str, int]) -> Reading:
    """Every image of every shard, shard by shard in order of path.

    Raises:
        InvalidFile: a shard is compressed or damaged.
    """
    shards = find_shards(spec.root, (".tar",))
    classes = class_names(spec, known)
    declared = classes.names if spec.text("classes") else ()
    stamp = "".join(f"{shard.path}:{shard.size}\n" for shard in shards)
    listed = (sample for shard in shards for sample in _samples(spec, shard.path, classes))
    return Reading(listed, declared, titles=classes.titles, stamp=stamp)


@dataclass
class _Group:
    """The members of one sample that came so far."""

    name: str
    image: tuple[str, int, int] | None = None
    labels: dict[str, bytes] | None = None


def _samples(spec: SourceSpec, path: str, classes: ClassNames) -> Iterator[Listed]:
    folder = str(PurePosixPath(path).parent)
    split = spec.text("split") or split_of(PurePosixPath(path).name) or split_of(folder) or "train"
    for group in _groups(spec.root / path, path):
        if group.image is None:
            yield SkippedFile(f"{path}/{group.name}", PassedOver.NO_IMAGE)
            continue
        name, offset, size = group.image
        label = _label(group.labels or {}, classes)
        if label is None:
            yield SkippedFile(f"{path}/{name}", PassedOver.NO_LABEL)
            continue
        place = byte_range(path, offset, size)
        yield make_sample(SampleRef(split, f"{split}/{group.name}", label, group.name, place, bytes=size))


def _groups(file: Path, path: str) -> Iterator[_Group]:
    """Members that follow each other and differ in their ending alone belong to one sample."""
    group: _Group | None = None
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                if not member.isfile() or path_problem(member.name.removeprefix("./")):
                    continue
                name, ending = _cut(member.name.removeprefix("./"))
                if group is None or group.name != name:
                    if group is not None:
                        yield group
                    group = _Group(name, labels={})
                if is_image_name(f"x.{ending}") and group.image is None:
                    group.image = (f"{name}.{ending}", member.offset_data, member.size)
                elif ending in _LABEL_ENDINGS and member.size <= _LABEL_BYTES and group.labels is not None:
                    stream = tar.extractfile(member)
                    group.labels[ending] = stream.read() if stream else b""
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise InvalidFile(
            f"{path} can't be read as an uncompressed tar file: {error}. Unpack compressed shards first: images are "
            "read at their place in the file."
        ) from None
    if group is not None:
        yield group


def _cut(name: str) -> tuple[str, str]:
    """WebDataset's rule: the key ends at the first dot of the last part of the path."""
    folder, slash, base = name.rpartition("/")
    stem, _, ending = base.partition(".")
    return f"{folder}{slash}{stem}", ending.lower()


def _label(found: Mapping[str, bytes], classes: ClassNames) -> str | None:
    """The sample's label; empty where it has none, None where it is no class."""
    for ending in _LABEL_ENDINGS:
        if ending not in found:
            continue
        try:
            text = found[ending].decode()
            raw = _from_json(text) if ending == "json" else text.strip()
            if raw is not None:
                return classes.label(raw)
        except (ValueError, LookupError, RecursionError):
            return None
    return ""


def _from_json(text: str) -> object:
    value = json.loads(text)
    if isinstance(value, dict):
        return next((value[key] for key in _LABEL_KEYS if key in value), None)
    return value
