"""What cleaning does to the size of splits and classes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from app.deliverables.figures import histogram
from app.deliverables.slides.charts import Series, Style, add_chart, add_table
from app.deliverables.slides.sheet import LEFT, RIGHT, SOFT, TOP, Box, Look, Sheet
from app.deliverables.slides.story import Story, percent
from app.domain.checks import SizeChange

if TYPE_CHECKING:
    from pptx.presentation import Presentation

_MOST_SPLITS, _MOST_CLASSES, _BINS = 6, 12, 9


def add_sizes(presentation: Presentation, story: Story) -> Sheet:
    total, splits = story.figures.total, story.content.by_split
    sheet = Sheet(presentation, f"{total.after:,} samples remain of {total.before:,}")
    shown = sorted(splits, key=lambda c: (-c.before, c.name))[:_MOST_SPLITS]
    rows = [["split", "before", "removed", "relabelled", "after", "removed share"]]
    rows += [_row(c) for c in shown] + [_row(total)]
    add_table(sheet, Box(LEFT, TOP, RIGHT - LEFT, 2.4), rows, [2.4, 1, 1, 1, 1, 1], 14)
    top = TOP + 0.42 * len(rows) + 0.35
    if total.removed or total.relabelled_away:
        sheet.text("Share of each split", Box(LEFT, top, 8, 0.35), Look(14, SOFT))
        series = [
            Series("removed", "remove", [_of(c.removed, c) for c in shown]),
            Series("relabelled", "relabel", [_of(c.relabelled_away, c) for c in shown]),
        ]
        box = Box(LEFT, top + 0.35, RIGHT - LEFT, 6.75 - top - 0.4)
        add_chart(sheet, box, [c.name for c in shown], series, Style("bars", "0.00%"))
    else:
        sheet.text("Nothing is removed or relabelled.", Box(LEFT, top + 0.4, 8, 0.5), Look(18, SOFT))
    sheet.notes([f"{c.name}: " + ", ".join(_row(c)[1:]) for c in [*splits[:40], total]])
    return sheet


def _of(count: int, change: SizeChange) -> float:
    return count / change.before if change.before else 0.0


def _row(c: SizeChange) -> list[str]:
    return [
        c.name,
        f"{c.before:,}",
        f"{c.removed:,}",
        f"{c.relabelled_away:,}",
        f"{c.after:,}",
        percent(c.share_removed),
    ]


def add_classes(presentation: Presentation, story: Story) -> Sheet:
    changed, everything = story.figures.changed_classes, story.content.by_class
    limit = story.content.policies.max_class_share
    over = [c for c in everything if c.share_removed > limit]
    sheet = Sheet(presentation, _title(len(over), limit))
    if not changed:
        sheet.text(f"None of the {len(everything):,} classes changes.",
                   Box(LEFT, 3, 8, 0.6), Look(20, SOFT))  # fmt: skip
        sheet.notes(["No class changes."])
        return sheet
    shown = changed[:_MOST_CLASSES]
    sheet.text(f"The {len(shown)} classes that change most, in samples", Box(LEFT, TOP, 7, 0.35), Look(14, SOFT))
    series = [
        Series("removed", "remove", [c.removed for c in shown]),
        Series("relabelled to another", "relabel", [c.relabelled_away for c in shown]),
        Series("relabelled to it", "keep", [c.relabelled_in for c in shown]),
    ]
    add_chart(sheet, Box(LEFT, TOP + 0.35, 6.9, 4.75), [c.name for c in shown], series, Style())
    left = 8.0
    sheet.text("Classes by the share that is removed", Box(left, TOP, RIGHT - left, 0.35), Look(14, SOFT))
    shares = [c.share_removed for c in everything if c.before]
    step, count = _steps(max([*shares, limit, 0.01]))
    bins = [f"{i * step:.{0 if step >= 0.01 else 1}%}" for i in range(count)]
    counts = Series("classes", "remove", histogram(shares, 0, step * count, count))
    add_chart(
        sheet, Box(left, TOP + 0.35, RIGHT - left, 3.6), bins, [counts], Style("columns", axis=True, labels=False)
    )
    text = f"{len(changed):,} of {len(everything):,} classes change. Each column begins at the share below it."
    sheet.text(text, Box(left, 5.75, RIGHT - left, 0.9), Look(13, SOFT))
    lines = [f"{c.name}: {c.before:,} before, {c.removed:,} removed, {c.relabelled_away:,} relabelled to another, "
             f"{c.relabelled_in:,} relabelled to it, {c.after:,} after" for c in changed[:40]]  # fmt: skip
    sheet.notes(lines)
    return sheet


def _steps(end: float) -> tuple[float, int]:
    """A round step and how many of them reach the end."""
    step = next(step for step in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 1.0) if end / step <= _BINS)
    return step, max(1, math.ceil(end / step - 1e-9))


def _title(over: int, limit: float) -> str:
    if not over:
        return f"No class loses more than {limit:.0%} of its samples"
    return f"{over:,} {'class loses' if over == 1 else 'classes lose'} more than {limit:.0%} of their samples"
