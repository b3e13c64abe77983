"""Bars: samples by issue type and outcome, how precise each issue type was, and what splits lose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from app.deliverables.figures import OUTCOME_WORDS, OUTCOMES, Figures
from app.deliverables.names import shorten
from app.deliverables.report.svg import ACCENT, COLOURS, GROUND, HATCHES, INK, SOFT, canvas, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_issues(figures: Figures) -> str:
    rows = figures.by_issue
    with canvas(0.9 + 0.36 * len(rows)) as drawn:
        shown = [name for name in OUTCOMES if figures.outcomes[name]]
        draw_stacked(drawn.axes[0], rows, shown, COLOURS, OUTCOME_WORDS)
        drawn.axes[0].set_xlabel("samples")
        said = "; ".join(f"{issue}: {_listed(counts)}" for issue, counts in rows.items())
        return finish(drawn, "issues", f"Samples by issue type and outcome. {said}.")


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {OUTCOME_WORDS[name]}" for name, count in counts.items() if count)


def draw_stacked(
    axes: Axes, rows: Mapping[str, Mapping[str, int]], parts: Sequence[str], colours: Mapping[str, str],
    words: Mapping[str, str], *, legend: bool = True,
) -> None:  # fmt: skip
    """A bar a row, its parts in one order, each with its number where there is room, and the row's sum beside it."""
    names = list(rows)
    sums = [sum(rows[name].get(part, 0) for part in parts) for name in names]
    longest = max([*sums, 1])
    left = [0] * len(names)
    for part in parts:
        values = [rows[name].get(part, 0) for name in names]
        axes.barh(
            range(len(names)), values, left=left, height=0.66, color=colours[part], hatch=HATCHES.get(part),
            edgecolor=GROUND, linewidth=0.8, label=words.get(part, part),
        )  # fmt: skip
        left = [at + value for at, value in zip(left, values, strict=True)]
    for place, total in enumerate(sums):
        axes.text(total + longest * 0.008, place, f"{total:,}", va="center", color=INK)
    prepare_rows(axes, names, longest * 1.06)
    if legend:
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=len(parts), handlelength=1.4, columnspacing=1.6
        )


def prepare_rows(axes: Axes, names: Sequence[str], end: float, start: float = 0.0) -> None:
    """Names on the left, the first on top, and a quiet grid of whole numbers."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axes.set_yticks(range(len(names)), [shorten(name) for name in names])
    axes.set(ylim=(len(names) - 0.5, -0.5), xlim=(start, end))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(axis="x")


def plot_precision(figures: Figures) -> str:
    found = figures.precision
    with canvas(0.75 + 0.36 * len(found)) as drawn:
        axes = drawn.axes[0]
        for place, row in enumerate(found):
            if not row.decided:
                axes.text(0.01, place, "no flag of this type was judged", va="center", color=SOFT)
                continue
            axes.plot([row.low, row.high], [place, place], color=ACCENT, linewidth=2.4, solid_capstyle="butt")
            axes.plot([row.share], [place], "o", color=ACCENT, markersize=7, markeredgecolor=GROUND)
            text = f"{row.share:.0%}  ({row.right:,} of {row.decided:,})"
            axes.annotate(text, (1.02, place), va="center", annotation_clip=False)
        axes.set_yticks(range(len(found)), [row.issue_type for row in found])
        axes.set(ylim=(len(found) - 0.5, -0.5), xlim=(0, 1.0), xlabel="share of judged flags that were right")
        axes.xaxis.set_major_formatter("{x:.0%}")
        axes.grid(axis="x")
        said = "; ".join(f"{r.issue_type} {r.share:.0%}, {r.low:.0%} to {r.high:.0%}" for r in found if r.decided)
        return finish(drawn, "precision", f"Share of flags that were right, with 95 % intervals. {said}.")


def plot_splits(figures: Figures) -> str:
    """Shares of each split that are removed and relabelled: beside the whole split both would be too thin to see."""
    splits = figures.content.by_split
    with canvas(0.85 + 0.5 * len(splits)) as drawn:
        axes = drawn.axes[0]
        parts = (("remove", -0.19, [c.removed for c in splits]), ("relabel", 0.19, [c.relabelled_away for c in splits]))
        shares = {name: [_share(n, c.before) for n, c in zip(v, splits, strict=True)] for name, _, v in parts}
        longest = max([*shares["remove"], *shares["relabel"], 1e-9])
        for name, shift, counts in parts:
            places = [i + shift for i in range(len(splits))]
            axes.barh(
                places, shares[name], height=0.34, color=COLOURS[name], hatch=HATCHES.get(name), edgecolor=GROUND,
                label=OUTCOME_WORDS[name],
            )  # fmt: skip
            for place, share, count in zip(places, shares[name], counts, strict=True):
                axes.text(share + longest * 0.008, place, f"{share:.2%}  ({count:,})", va="center")
        axes.set_yticks(range(len(splits)), [shorten(c.name) for c in splits])
        axes.set(ylim=(len(splits) - 0.5, -0.5), xlim=(0, longest * 1.2), xlabel="share of the split")
        axes.xaxis.set_major_formatter("{x:.1%}")
        axes.grid(axis="x")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, handlelength=1.4, columnspacing=1.6)
        said = "; ".join(
            f"{c.name}: {c.removed:,} of {c.before:,} removed, {c.relabelled_away:,} relabelled" for c in splits
        )
        return finish(drawn, "splits", f"What each split loses. {said}.")


def _share(count: int, total: int) -> float:
    return count / total if total else 0.0
