"""The comparison of projects as one HTML page of its own, with plots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from app.deliverables.comparison import ProjectComparison
from app.deliverables.figures import OUTCOME_WORDS, OUTCOMES
from app.deliverables.names import shorten
from app.deliverables.report.bar_plots import draw_stacked
from app.deliverables.report.page import report_template
from app.deliverables.report.svg import ACCENT, COLOURS, GROUND, SOFT, canvas, finish


@dataclass(frozen=True, slots=True)
class ComparisonPlots:
    outcomes: Markup
    precision: Markup | None


def render_comparison(found: ProjectComparison) -> str:
    """A page that loads nothing and runs nothing; the same versions give the same bytes."""
    precise = any(row["decided"] for summary in found.summaries for row in summary["precision"])
    plots = ComparisonPlots(Markup(_outcomes(found)), Markup(_precision(found)) if precise else None)  # noqa: S704 - svg.finish escapes
    return report_template("comparison.html").render(found=found, plots=plots)


def _outcomes(found: ProjectComparison) -> str:
    """What became of the flagged samples, each version's in per mille of its own: sizes differ by orders."""
    rows = {
        shorten(name): _per_mille({part: summary["outcomes"][part] for part in OUTCOMES})
        for name, summary in zip(found.names, found.summaries, strict=True)
    }
    shown = [part for part in OUTCOMES if any(row[part] for row in rows.values())]
    with canvas(1.0 + 0.42 * len(rows)) as drawn:
        draw_stacked(drawn.axes[0], rows, shown, COLOURS, OUTCOME_WORDS)
        drawn.axes[0].set_xlabel("of 1,000 flagged samples")
        return finish(drawn, "outcomes", "What became of 1,000 flagged samples in each version.")


def _per_mille(counts: Mapping[str, int]) -> dict[str, int]:
    """Whole numbers that come to 1,000: what rounding down leaves goes to those who lost most by it."""
    total = sum(counts.values())
    if not total:
        return dict(counts)
    shares = {part: divmod(1000 * count, total) for part, count in counts.items()}
    left = 1000 - sum(whole for whole, _ in shares.values())
    rounded_up = sorted(shares, key=lambda part: -shares[part][1])[:left]
    return {part: whole + (part in rounded_up) for part, (whole, _) in shares.items()}


def _precision(found: ProjectComparison) -> str:
    """An interval for each issue type and version."""
    rows = [
        (f"{row['issue_type']}, {shorten(name, 24)}", row)
        for issue in dict.fromkeys(r["issue_type"] for s in found.summaries for r in s["precision"])
        for name, summary in zip(found.names, found.summaries, strict=True)
        for row in summary["precision"]
        if row["issue_type"] == issue and row["decided"]
    ]
    with canvas(0.9 + 0.32 * len(rows)) as drawn:
        axes = drawn.axes[0]
        for place, (_, row) in enumerate(rows):
            axes.plot([row["low"], row["high"]], [place, place], color=ACCENT, linewidth=2.4, solid_capstyle="butt")
            axes.plot([row["share"]], [place], "o", color=ACCENT, markersize=7, markeredgecolor=GROUND)
            text = f"{row['share']:.0%}  ({row['right']:,} of {row['decided']:,})"
            axes.annotate(text, (1.02, place), va="center", annotation_clip=False, color=SOFT)
        axes.set_yticks(range(len(rows)), [name for name, _ in rows])
        axes.set(ylim=(len(rows) - 0.5, -0.5), xlim=(0, 1.0), xlabel="share of judged flags that were right")
        axes.xaxis.set_major_formatter("{x:.0%}")
        axes.grid(axis="x")
        return finish(drawn, "precision", "Share of judged flags that were right, with 95 % intervals, by issue type.")
