"""Batch tagging of a project: on a server by its REST interface, or in this machine's data folder.

The methods are those of ``VLTaggingWorkflow``; the answers are reviews and count at once.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from app.adapters.files import write_atomically
from app.domain.accounts import check_username
from app.domain.batch_tagging import id_text, read_action
from app.domain.errors import InvalidInput, WinnowError
from app.domain.taxonomy import Decision
from winnow.frames import Tagged, make_frame, plain_ids

if TYPE_CHECKING:
    import pandas as pd


class ProjectSource(Protocol):
    """Where a project is."""

    def flags(self, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Every flag that the filters take in, as records."""
        ...

    def tag(self, body: Mapping[str, Any]) -> int:
        """Send one answer for many samples; return how many it answered, repeated ones included."""
        ...

    def manifest(self) -> bytes:
        """The tagged manifest as it stands."""
        ...


class ProjectTagging:
    """The flags of a project, and answers to many of them at once."""

    def __init__(self, source: ProjectSource) -> None:
        self._source = source
        self._vl_data: pd.DataFrame | None = None

    @classmethod
    def connect(cls, address: str, project: str, *, token: str) -> ProjectTagging:
        """A project of a running server: its address, the project's name in addresses, an API token."""
        from winnow.rest_project import RestProject

        return cls(RestProject(address, project, token))

    @classmethod
    def open(cls, data_dir: str | Path, project: str) -> ProjectTagging:
        """A project in a data folder of this machine; work is recorded as its owner's."""
        from winnow.local_project import LocalProject

        return cls(LocalProject(Path(data_dir), project))

    def load_vl_export(self, **filters: object) -> pd.DataFrame:
        """Read the project's flags; return ``vl_data``. Filters are those of ``/samples``: ``issue_type="mislabel"``,
        ``min_confidence=0.9``, ``split="train"``, ``state="open"`` ..."""
        self._vl_data = make_frame(self._source.flags(filters))
        return self._vl_data

    def create_tagging_manifest(self) -> pd.DataFrame:
        """The flags with the answers that count, read anew; a project always has its manifest."""
        return self.load_vl_export()

    @property
    def vl_data(self) -> pd.DataFrame:
        """The flags as they were read last: the manifest's columns up to ``new_label``, and ``sample_id``, ``split``,
        ``issue_type``, ``duplicate_group_id``, ``source``, ``detector_image_id`` and ``state``."""
        if self._vl_data is None:
            raise WinnowError("Nothing is loaded yet: call load_vl_export() first.")
        return self._vl_data

    def add_user_tags_batch(
        self,
        image_ids: Sequence[object],
        tags: Iterable[str],
        action: str,
        reviewer_name: str | None = None,
        *,
        new_label: str | None = None,
        notes: str = "",
        replace_answers: bool = False,
    ) -> Tagged:
        """Give many samples one answer: all of them, or none.

        Args:
            image_ids: ids or paths as in ``vl_data``, or the detector's own ids; one that stands there twice counts
                once.
            reviewer_name: whose answer it is; one's own where nobody is named. Only leads name others.
            new_label: for a relabel; without it each sample gets the label that the surest flag suggests.
            replace_answers: let it count over what the named reviewer has answered themselves.

        Raises:
            InvalidInput: as in ``VLTaggingWorkflow``; ``details["ids"]`` names every bad id with its reason.
            Conflict: the named reviewer has other answers on some of these samples.
        """
        if isinstance(tags, str):
            raise InvalidInput(f"tags is a list of words, not the text {tags!r}.")
        ids = list(dict.fromkeys(id_text(image_id) for image_id in plain_ids(image_ids)))
        if not ids:
            warnings.warn("No image ids were given, so nothing was tagged.", stacklevel=2)
            return Tagged(0)
        decision = read_action(action)
        suggests = decision is Decision.RELABEL and not new_label
        body: dict[str, Any] = {
            "ids": ids, "tags": list(tags), "decision": decision.value if decision else None, "note": notes,
            "new_label": new_label, "relabel_to": "suggestion" if suggests else None,
            "reviewer": check_username(reviewer_name) if reviewer_name else None,
            "replace_answers": replace_answers, "batch_id": str(uuid.uuid4()),
        }  # fmt: skip
        return Tagged(self._source.tag(body))

    def export_manifest(self, path: str | Path) -> Path:
        """Write the tagged manifest as the project stands."""
        target, data = Path(path), self._source.manifest()
        try:
            write_atomically(target, lambda stream: stream.write(data))
        except OSError as error:
            raise InvalidInput(f"{target} can't be written: {error.strerror}.") from error
        return target
