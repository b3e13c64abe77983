"""Tagging many images of an export at once, without a project: the rules are those of every other answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.decision_tree import standard_tree
from app.domain.errors import Conflict, InvalidInput, WinnowError
from app.domain.formats.flagged.rows import FlaggedRow
from app.domain.formats.manifest_csv import ManifestRow
from app.domain.reviews import ReviewInput, ReviewStatus, settle, suggested_label
from app.domain.taxonomy import Decision, Taxonomy
from app.domain.tree_walk import Outcome

_SHOWN = 5
"""So many bad ids are named in an error's message; its details name all."""

DISCUSS = "discuss"


def manifest_row(row: FlaggedRow) -> ManifestRow:
    """A flag as a row of the manifest that nobody has answered yet."""
    flag = row.flag
    confidence = "" if flag.confidence is None else repr(flag.confidence)
    return ManifestRow(
        row.image_id or row.image_path, row.image_path, row.label or "", flag.raw_issue_type, confidence,
        flag.suggested_label or "", flag.reason or "",
    )  # fmt: skip


@dataclass(frozen=True)
class BatchAnswer:
    """One answer for many images. A relabel without ``new_label`` gives each image the label suggested for it."""

    decision: Decision | None
    tags: tuple[str, ...]
    reviewer: str
    at: datetime
    new_label: str | None = None
    note: str = ""


def read_action(action: str | None) -> Decision | None:
    """A decision by its name; None for ``discuss``.

    Raises:
        InvalidInput: there is none of that name.
    """
    name = (action or DISCUSS).strip().lower()
    known = [decision.value for decision in Decision]
    if name not in (*known, DISCUSS):
        raise InvalidInput(f"{action!r} is no action. The actions are {', '.join(known)}, {DISCUSS}.")
    return None if name == DISCUSS else Decision(name)


def id_text(image_id: object) -> str:
    """An image id as text: ``123``, ``"123"`` and the ``123.0`` that a table with gaps makes of it are one."""
    if isinstance(image_id, float) and image_id.is_integer():
        return str(int(image_id))
    return str(image_id)


class _AnyLabel:
    """The classes of a dataset that nobody named."""

    def __contains__(self, label: object) -> bool:
        return True


class TaggingManifest:
    """The rows of an export, and what was answered to them. One image may have several rows, one a flag.

    ``classes`` are the labels that a relabel may name; any where none are given.
    """

    def __init__(self, flagged: Iterable[FlaggedRow], *, classes: Collection[str] | None = None) -> None:
        self._flagged = list(flagged)
        self.rows = [manifest_row(row) for row in self._flagged]
        self._classes: Collection[str] | _AnyLabel = _AnyLabel() if classes is None else classes
        self._places: dict[str, list[int]] = {}
        for place, row in enumerate(self.rows):
            for name in {row.image_id, row.image_path} - {""}:
                self._places.setdefault(name, []).append(place)
        self._tree, self._taxonomy = standard_tree(), Taxonomy()

    def tag(self, image_ids: Sequence[object], answer: BatchAnswer, *, replace_answers: bool = False) -> int:
        """Answer on all of these images, or on none; return how many there are, each counted once.

        Raises:
            InvalidInput: an id is unknown, or the answer contradicts itself or one of the images; ``details`` has
                every such id.
            Conflict: somebody else answered on some of them already.
        """
        names = list(dict.fromkeys(id_text(image_id) for image_id in image_ids))
        unknown = [{"id": name, "problem": f"The export has no image {name!r}."} for name in names
                   if name not in self._places]  # fmt: skip
        _refuse(unknown, len(names))
        others = [problem for name in names if (problem := self._answered(name, answer.reviewer))]
        if others and not replace_answers:
            _refuse(others, len(names), Conflict, " Pass replace_answers=True to let this answer count.")
        outcomes, problems = self._settle_all(names, answer)
        _refuse(problems, len(names))
        for name, outcome in outcomes.items():
            for place in self._places[name]:
                self.rows[place] = _answered_row(self.rows[place], outcome, answer)
        return len(names)

    def _answered(self, name: str, reviewer: str) -> dict[str, str] | None:
        row = self.rows[self._places[name][0]]
        if not row.reviewer or row.reviewer == reviewer:
            return None
        told = row.user_action or DISCUSS
        return {"id": name, "problem": f"{name!r}: {row.reviewer} said {told} at {row.reviewed_at}."}

    def _settle_all(
        self, names: Sequence[str], answer: BatchAnswer
    ) -> tuple[Mapping[str, Outcome], list[dict[str, str]]]:
        outcomes, problems = {}, []
        for name in names:
            try:
                outcomes[name] = self._settle(name, answer)
            except WinnowError as error:
                problems.append({"id": name, "problem": f"{name!r}: {error.message}"})
        return outcomes, problems

    def _settle(self, name: str, answer: BatchAnswer) -> Outcome:
        places = self._places[name]
        flags = [self._flagged[place].flag for place in places]
        label = answer.new_label
        if answer.decision is Decision.RELABEL and not label:
            label = suggested_label(flags)
            if label is None:
                raise InvalidInput("Nothing suggests a label for it: pass new_label, or leave the image out.")
        given = ReviewInput(
            ReviewStatus.SUBMITTED, manual=True, decision=answer.decision, new_label=label, tags=answer.tags,
            note=answer.note,
        )  # fmt: skip
        return settle(
            given, flags=flags, given_label=self.rows[places[0]].original_label, classes=self._classes,
            tree=self._tree, taxonomy=self._taxonomy,
        )  # fmt: skip


def _answered_row(row: ManifestRow, outcome: Outcome, answer: BatchAnswer) -> ManifestRow:
    return replace(
        row, user_tags=",".join(outcome.tags), user_action=outcome.decision.value if outcome.decision else "",
        new_label=outcome.new_label or "", reviewer=answer.reviewer, notes=answer.note,
        reviewed_at=answer.at.isoformat(timespec="seconds"),
    )  # fmt: skip


def _refuse(
    problems: Sequence[dict[str, str]], total: int, kind: type[WinnowError] = InvalidInput, hint: str = ""
) -> None:
    if problems:
        told = " ".join(problem["problem"] for problem in problems[:_SHOWN])
        more = f" And {len(problems) - _SHOWN:,} more." if len(problems) > _SHOWN else ""
        text = f"{len(problems):,} of {total:,} images can't be tagged. {told}{more} Nothing was changed.{hint}"
        raise kind(text, ids=list(problems))
