"""The finish page: checks, preview, freeze, versions and their files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.checks import SizeChange
from app.domain.merge import Policies
from app.services import freeze_version
from app.services.finish import Merged, merge_project
from app.services.freeze_version import VersionView
from app.web.dependencies import LeadReadAccess, ReadingDep, ViewAccess, WiringDep
from app.web.render import render

router = APIRouter(prefix="/p/{slug}")

SHOWN_CLASSES = 20
_LINKS = {
    "bulk_under_way": "bulk",
    "undecided": "review",
    "open_conflicts": "conflicts",
    "open_leaks": "leaks/pairs?verdict=open",
    "no_new_label": "samples?decision=relabel",
    "unknown_class": "samples?decision=relabel",
    "lost_group": "samples?issue_type=duplicate&decision=remove",
    "class_share": "samples?decision=remove",
}


@dataclass(frozen=True)
class CheckView:
    code: str
    title: str
    count: int
    blocking: bool
    text: str
    url: str | None


@dataclass(frozen=True)
class SplitChange:
    split: str
    before: int
    removed: int
    relabelled: int
    after: int


@dataclass(frozen=True)
class ClassChange:
    label: str
    before: int
    removed: int
    relabelled_away: int
    relabelled_in: int
    after: int
    share_removed: float


@dataclass(frozen=True)
class Preview:
    removed: int
    relabelled: int
    kept: int
    by_split: list[SplitChange]
    by_class: list[ClassChange]


@dataclass(frozen=True)
class FinishPage:
    checks: list[CheckView]
    preview: Preview
    policies: dict[str, str]
    can_freeze: bool
    versions: list[VersionView]


@router.get("/finish")
def show_finish(request: Request, access: ViewAccess, session: ReadingDep) -> Response:
    merged = merge_project(session, access, settled_only=True)
    page = FinishPage(
        _checks(merged, access.project.slug),
        _preview(merged),
        _policy_words(merged.policies),
        access.is_lead,
        freeze_version.list_versions(session, access),
    )
    return render(request, "pages/finish.html", page)


def _checks(merged: Merged, slug: str) -> list[CheckView]:
    return [
        CheckView(c.code, c.title, c.count, c.blocking, c.text, f"/p/{slug}/{_LINKS[c.code]}") for c in merged.checks
    ]


def _policy_words(policies: Policies) -> dict[str, str]:
    sides = {"test": "the test image", "train": "the train image", "both": "both images"}
    return {
        "reviews a sample": f"{policies.min_submitted}, {policies.rule.value}",
        "a leak removes": sides[policies.leak_side.value],
        "a class may lose": f"{policies.max_class_share:.0%}",
        "mislabels verified": f"above {policies.mislabel_threshold:g}",
        "suggestions unseen": "never"
        if policies.suggestion_threshold is None
        else f"from {policies.suggestion_threshold:g}",
        "others' answers": "hidden until one's own is in" if policies.blind else "always shown",
    }


def _preview(merged: Merged) -> Preview:
    removed, relabelled = len(merged.removed), len(merged.relabelled)
    splits = [SplitChange(c.name, c.before, c.removed, c.relabelled_away, c.after) for c in merged.by_split]
    changed = [c for c in merged.by_class() if c.removed or c.relabelled_away or c.relabelled_in]
    worst = sorted(changed, key=lambda change: -change.share_removed)[:SHOWN_CLASSES]
    kept = sum(merged.class_sizes.values()) - removed - relabelled
    return Preview(removed, relabelled, kept, splits, [_class_change(change) for change in worst])


def _class_change(c: SizeChange) -> ClassChange:
    return ClassChange(c.name, c.before, c.removed, c.relabelled_away, c.relabelled_in, c.after, c.share_removed)


@router.post("/versions")
def freeze(
    access: LeadReadAccess,
    session: ReadingDep,
    wiring: WiringDep,
    note: Annotated[str, Form(max_length=2000)] = "",
    accept: Annotated[list[str] | None, Form()] = None,
) -> Response:
    actor, slug = access.actor, access.project.slug
    session.rollback()  # what was read must not keep others from writing meanwhile
    freeze_version.freeze_version(wiring.database, wiring.doorbell, actor, slug, note=note, accept=accept or [])
    return RedirectResponse(f"/p/{slug}/finish", 303)
