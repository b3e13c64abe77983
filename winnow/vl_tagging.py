"""Batch tagging of an export in Python, as the cleaning guide does it: files alone, no server and no database."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from app.adapters.export_folder import read_export
from app.adapters.files import write_atomically
from app.domain.accounts import check_username
from app.domain.batch_tagging import BatchAnswer, TaggingManifest, read_action
from app.domain.errors import InvalidFile, InvalidInput, WinnowError
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from app.domain.formats.manifest_csv import write_rows
from app.domain.formats.rejected_csv import write_rejected_rows
from app.domain.formats.spreadsheet_csv import write_spreadsheet_copy
from app.services.open_flagged import open_flagged
from winnow.frames import Tagged, make_frame, plain_ids

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Tagged", "VLTaggingWorkflow"]


class VLTaggingWorkflow:
    """An export of flagged samples, tagged image by image or many at once, written as the standard manifest.

    Args:
        vl_export: the export: any file, folder or zip that ``winnow tag`` reads.
        dataset: the dataset's name.
        format: what the export is; found out from its content where it is not given.
        confidence_in_percent: the export writes confidence as 0 to 100.
        classes: the labels that a relabel may name; any where they are not given.
    """

    def __init__(
        self,
        vl_export: str | Path,
        dataset: str,
        *,
        format: str = "",
        confidence_in_percent: bool = False,
        classes: Collection[str] | None = None,
    ) -> None:
        self.vl_export, self.dataset = Path(vl_export), dataset
        self.rejected: list[RejectedRow] = []
        self.notes: list[str] = []
        self._format, self._percent, self._classes = format, confidence_in_percent, classes
        self._flagged: list[FlaggedRow] | None = None
        self._manifest: TaggingManifest | None = None
        self._vl_data: pd.DataFrame | None = None

    def load_vl_export(self) -> pd.DataFrame:
        """Read the export; return ``vl_data``. Rows that make no sense are warned of and kept in ``rejected``;
        ``notes`` says what else is worth knowing of how it was read.

        Raises:
            InvalidInput: the file is not there.
            InvalidFile: it is no export, or none of its rows makes sense.
        """
        source = open_flagged(
            read_export(self.vl_export), self.vl_export.name, format=self._format, percent=self._percent
        )
        flagged, rejected = [], []
        for row in source.rows():
            if isinstance(row, FlaggedRow):
                flagged.append(replace(row, flag=row.whole_flag(), others=()))
            else:
                rejected.append(row)
        if rejected and not flagged:
            first = rejected[0]
            raise InvalidFile(
                f"None of the {len(rejected):,} rows of {self.vl_export} could be taken. "
                f"Line {first.line}: {first.reason}"
            )
        self._flagged, self.rejected, self._manifest, self._vl_data = flagged, rejected, None, None
        self.notes = list(source.warnings)
        if rejected:
            told = f"{len(rejected):,} rows of {self.vl_export.name} were rejected"
            warnings.warn(f"{told}; `rejected` has them with the reason.", stacklevel=2)
        return self.vl_data

    @property
    def vl_data(self) -> pd.DataFrame:
        """The export as a table, one row a flag, under the manifest's names: ``image_id``, ``image_path``,
        ``original_label``, ``vl_flag_type`` (the detector's word), ``vl_confidence`` (0 to 1), ``suggested_label``,
        ``reason``; then ``issue_type`` (Winnow's word) and ``duplicate_group_id``.

        ``image_id`` is a whole number where every id is one, as pandas reads it.
        """
        if self._vl_data is None:
            self._vl_data = make_frame(map(_as_record, self._loaded()))
        return self._vl_data

    def _loaded(self) -> list[FlaggedRow]:
        if self._flagged is None:
            raise WinnowError("Nothing is loaded yet: call load_vl_export() first.")
        return self._flagged

    def create_tagging_manifest(self) -> pd.DataFrame:
        """Begin a manifest on which nobody has answered yet; return it as a table."""
        self._manifest = TaggingManifest(self._loaded(), classes=self._classes)
        return self.manifest

    @property
    def manifest(self) -> pd.DataFrame:
        """The manifest as it stands, a copy: change it by ``add_user_tags_batch``."""
        return make_frame(asdict(row) for row in self._begun().rows)

    def _begun(self) -> TaggingManifest:
        if self._manifest is None:
            raise WinnowError("There is no manifest yet: call create_tagging_manifest() first.")
        return self._manifest

    def add_user_tags_batch(
        self,
        image_ids: Sequence[object],
        tags: Iterable[str],
        action: str,
        reviewer_name: str,
        *,
        new_label: str | None = None,
        notes: str = "",
        replace_answers: bool = False,
    ) -> Tagged:
        """Give many images one answer: all of them, or none.

        Args:
            image_ids: as in ``vl_data``, or paths; an image that stands there twice counts once.
            tags: words of the taxonomy that go with the action.
            action: keep, remove, relabel or discuss.
            reviewer_name: whose answer it is; 2 to 63 letters, digits, dots, dashes or underscores.
            new_label: for a relabel; without it each image gets the label that the surest flag suggests.
            replace_answers: let it count over what somebody else has answered.

        Raises:
            InvalidInput: an id is unknown, a tag contradicts the action, or a relabel has no label. The error's
                ``details["ids"]`` names each image with its reason.
            Conflict: somebody else has answered on some of these images.
        """
        check_username(reviewer_name)
        if isinstance(tags, str):
            raise InvalidInput(f"tags is a list of words, not the text {tags!r}.")
        ids = plain_ids(image_ids)
        if not ids:
            warnings.warn("No image ids were given, so nothing was tagged.", stacklevel=2)
        now = datetime.now(UTC)
        answer = BatchAnswer(read_action(action), tuple(tags), reviewer_name.strip(), now, new_label, notes)
        return Tagged(self._begun().tag(ids, answer, replace_answers=replace_answers))

    def export_manifest(self, path: str | Path) -> Path:
        """Write the manifest, beside it the copy for spreadsheet programs and the list of rejected rows, if any.

        Raises:
            InvalidInput: it can't be written there, or would overwrite the export.
        """
        target = Path(path)
        rows, rejected = self._begun().rows, self.rejected
        beside = target.with_name(f"{target.stem}.spreadsheet.csv")
        refused = target.with_name(f"{target.stem}_rejected_rows.csv")
        if self.vl_export.resolve() in [file.resolve() for file in (target, beside, refused)]:
            raise InvalidInput(f"{target} would overwrite the export; choose another name.")
        manifest = _text(lambda stream: write_rows(stream, rows))
        spreadsheet = _text(lambda stream: write_spreadsheet_copy(io.StringIO(manifest, newline=""), stream))
        try:
            if rejected:
                _write(refused, _text(lambda stream: write_rejected_rows(stream, rejected)))
            _write(beside, spreadsheet)
            _write(target, manifest)  # last: where it is, the others are
        except OSError as error:
            raise InvalidInput(f"{target} can't be written: {error.strerror}.") from error
        return target


def _as_record(row: FlaggedRow) -> dict[str, object]:
    flag = row.flag
    return {
        "image_id": row.image_id or row.image_path, "image_path": row.image_path, "original_label": row.label,
        "vl_flag_type": flag.raw_issue_type, "vl_confidence": flag.confidence,
        "suggested_label": flag.suggested_label, "reason": flag.reason, "issue_type": flag.issue_type.value,
        "duplicate_group_id": flag.group,
    }  # fmt: skip


def _text(write: Callable[[TextIO], object]) -> str:
    stream = io.StringIO(newline="")
    write(stream)
    return stream.getvalue()


def _write(path: Path, text: str) -> None:
    write_atomically(path, lambda stream: stream.write(text.encode()))
