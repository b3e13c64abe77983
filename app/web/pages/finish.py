"""The finish page: checks, and what a version would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.domain.checks import Check, SizeChange
from app.domain.merge import Policies
from app.services.look_at_finish import FinishLook
from app.services.view_checks import view_check
from app.services.view_versions import VersionView, list_versions
from app.web.dependencies import ReadingDep, ViewAccess, WiringDep
from app.web.render import render

router = APIRouter(prefix="/p/{slug}")

SHOWN_CLASSES = 20
_LINKS = {
    "bulk_under_way": "bulk",
    "undecided": "review",
    "open_conflicts": "conflicts",
    "open_leaks": "leaks/pairs?verdict=open",
    "policies": "members#rules",
    "unlisted_class": "samples",
}
"""Where a check is worked off. The others have a list of their samples."""


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
def show_finish(request: Request, access: ViewAccess, session: ReadingDep, wiring: WiringDep) -> Response:
    versions = list_versions(session, access)
    session.rollback()  # a merge opens a session of its own, and may take seconds
    look = wiring.finish.measure(wiring.database, access.id)
    checks = [_check(check, access.project.slug) for check in look.checks]
    page = FinishPage(checks, _preview(look), policy_words(look.policies), access.is_lead, versions)
    return render(request, "pages/finish.html", page)


@router.get("/finish/checks/{code}")
def show_check(
    code: Annotated[str, Path(max_length=40)],
    request: Request,
    access: ViewAccess,
    session: ReadingDep,
    offset: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> Response:
    return render(request, "pages/check.html", view_check(session, access, code, offset))


def _check(c: Check, slug: str) -> CheckView:
    return CheckView(c.code, c.title, c.count, c.blocking, c.text, f"/p/{slug}/{_address(c)}")


def policy_words(policies: Policies) -> dict[str, str]:
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


def _preview(look: FinishLook) -> Preview:
    splits = [SplitChange(c.name, c.before, c.removed, c.relabelled_away, c.after) for c in look.by_split]
    worst = sorted(look.by_class, key=lambda change: -change.share_removed)[:SHOWN_CLASSES]
    return Preview(look.removed, look.relabelled, look.kept, splits, [_class_change(change) for change in worst])


def _class_change(c: SizeChange) -> ClassChange:
    return ClassChange(c.name, c.before, c.removed, c.relabelled_away, c.relabelled_in, c.after, c.share_removed)


def _address(check: Check) -> str:
    return _LINKS.get(check.code, f"finish/checks/{check.code}")
