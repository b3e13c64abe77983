"""Leak candidates by how they were found and what links them, and how sure the search was of them."""

from __future__ import annotations

from app.deliverables.leak_figures import VERDICTS, LeakFigures
from app.deliverables.report.bar_plots import draw_stacked
from app.deliverables.report.svg import GROUND, HATCHES, VERDICT_COLOURS, canvas, finish

_WORDS = {"open": "not looked at"}


def plot_leak_kinds(leaks: LeakFigures) -> str:
    """One set of bars by method, one by type, one by change."""
    from matplotlib.ticker import MaxNLocator

    tables = leaks.tables
    shown = [verdict for verdict in VERDICTS if leaks.by_verdict[verdict]]
    longest = max(len(table.rows) for table in tables)
    with canvas(1.15 + 0.32 * longest, columns=len(tables)) as drawn:
        for axes, table in zip(drawn.axes, tables, strict=True):
            draw_stacked(axes, table.rows, shown, VERDICT_COLOURS, _WORDS, legend=False)
            axes.set_ylim(longest - 0.5, -0.5)
            axes.set_title(f"by {table.title}")
            axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        handles, labels = drawn.axes[0].get_legend_handles_labels()
        drawn.figure.legend(handles, labels, loc="outside upper left", ncols=len(shown), handlelength=1.4)
        said = "; ".join(
            f"by {table.title}: " + ", ".join(f"{name} {sum(counts.values()):,}" for name, counts in table.rows.items())
            for table in tables
        )
        return finish(drawn, "leakkinds", f"Leak candidates {said}.")


def plot_scores(leaks: LeakFigures) -> str:
    from matplotlib.ticker import MaxNLocator

    scores = leaks.scores
    shown = [verdict for verdict in VERDICTS if leaks.by_verdict[verdict]]
    with canvas(2.5) as drawn:
        axes = drawn.axes[0]
        bottom = [0] * len(scores)
        for verdict in shown:
            values = [counts[verdict] for _, _, counts in scores]
            axes.bar(
                [start for start, _, _ in scores], values, width=scores[0][1] - scores[0][0], align="edge",
                bottom=bottom, color=VERDICT_COLOURS[verdict], hatch=HATCHES.get(verdict), edgecolor=GROUND,
                linewidth=0.8, label=_WORDS.get(verdict, verdict),
            )  # fmt: skip
            bottom = [at + value for at, value in zip(bottom, values, strict=True)]
        axes.set(xlim=(scores[0][0], 1.0), xlabel="score: how surely both are the same shot", ylabel="pairs")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.grid(axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=len(shown), handlelength=1.4)
        said = "; ".join(
            f"{start:.3f} to {end:.3f}: {sum(c.values()):,}" for start, end, c in scores if sum(c.values())
        )
        return finish(drawn, "scores", f"Pairs by score. {said}.")
