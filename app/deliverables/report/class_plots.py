"""What happens to the classes: those that change most, how removals spread over all of them, and who becomes what."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from app.deliverables.figures import Figures, Relabels
from app.deliverables.names import shorten
from app.deliverables.report.bar_plots import prepare_rows
from app.deliverables.report.svg import COLOURS, GROUND, HATCHES, INK, SOFT, canvas, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES, MOST_PAIRS, MOST_IN_MATRIX = 20, 12, 10


def plot_classes(figures: Figures) -> str:
    """What leaves a class goes to the left, what comes in to the right."""
    shown = figures.changed_classes[:MOST_CLASSES]
    rows = range(len(shown))
    with canvas(0.95 + 0.3 * len(shown)) as drawn:
        axes = drawn.axes[0]
        removed, away, into = ([getattr(c, n) for c in shown] for n in ("removed", "relabelled_away", "relabelled_in"))
        style: dict[str, Any] = {"height": 0.66, "edgecolor": GROUND, "linewidth": 0.8}
        axes.barh(rows, [-n for n in removed], color=COLOURS["remove"], label="removed", **style)
        axes.barh(
            rows, [-n for n in away], left=[-n for n in removed], color=COLOURS["relabel"], hatch=HATCHES["relabel"],
            label="relabelled to another class", **style,
        )  # fmt: skip
        axes.barh(rows, into, color=COLOURS["relabel"], label="relabelled to this class", **style)
        low, high = max([r + a for r, a in zip(removed, away, strict=True)]), max([*into, 1])
        prepare_rows(axes, [c.name for c in shown], high * 1.04 + (low + high) * 0.22, -low * 1.04)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.xaxis.set_major_formatter(lambda x, _: f"{abs(x):,.0f}")
        for place, c in enumerate(shown):
            text = f"{c.before:,} → {c.after:,}  ({(c.after - c.before) / max(c.before, 1):+.1%})"
            axes.text(c.relabelled_in + (low + high) * 0.008, place, text, va="center")
        axes.set_xlabel("samples that leave (left) and come in (right)")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, handlelength=1.4, columnspacing=1.6)
        said = "; ".join(f"{c.name} {c.before:,} to {c.after:,}" for c in shown)
        return finish(drawn, "classes", f"Size of the classes that change most. {said}.")


def plot_shares(figures: Figures) -> str:
    """How many classes lose which share, and the share above which freezing had to be accepted."""
    from matplotlib.ticker import MaxNLocator

    shares = [c.share_removed for c in figures.content.by_class if c.before]
    limit = figures.content.policies.max_class_share
    end = max([*shares, limit, 0.01]) * 1.06
    with canvas(2.7) as drawn:
        axes = drawn.axes[0]
        axes.hist(shares, bins=30, range=(0, end), color=COLOURS["remove"], edgecolor=GROUND, linewidth=0.8)
        axes.axvline(limit, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        top = axes.get_ylim()[1] * 1.12
        axes.set(xlim=(0, end), ylim=(0, top), xlabel="share of the class that is removed", ylabel="classes")
        is_left = limit > end * 0.85
        axes.annotate(
            f"limit {limit:.0%}", (limit, top), xytext=(-6 if is_left else 6, -2), textcoords="offset points", va="top",
            ha="right" if is_left else "left", color=SOFT,
        )  # fmt: skip
        axes.xaxis.set_major_formatter("{x:.0%}" if end > 0.08 else "{x:.1%}")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.grid(axis="y")
        over = sum(share > limit for share in shares)
        said = f"{len(shares):,} classes by the share that is removed; {over:,} lose more than {limit:.0%}."
        return finish(drawn, "shares", said)


def plot_relabels(figures: Figures) -> str:
    """A matrix of the classes with most relabels, and the most frequent pairs."""
    pairs = figures.relabels
    names = _busiest(pairs)
    with canvas(0.9 + 0.32 * max(len(names), len(pairs[:MOST_PAIRS]) * 0.75, 5), columns=2, ratios=[1.15, 1]) as drawn:
        _matrix(drawn.axes[0], names, pairs)
        _pairs(drawn.axes[1], pairs[:MOST_PAIRS])
        said = "; ".join(f"{r.from_label} to {r.to_label} {r.count:,}" for r in pairs[:MOST_PAIRS])
        return finish(drawn, "relabels", f"Relabels from class to class. {said}.")


def _busiest(pairs: list[Relabels]) -> list[str]:
    counts = Counter[str]()
    for pair in pairs:
        counts[pair.from_label] += pair.count
        counts[pair.to_label] += pair.count
    chosen = sorted(counts, key=lambda name: (-counts[name], name))[:MOST_IN_MATRIX]
    return sorted(chosen)


def _matrix(axes: Axes, names: list[str], pairs: list[Relabels]) -> None:
    from matplotlib.patches import Rectangle

    counts = {(p.from_label, p.to_label): p.count for p in pairs}
    largest = max((counts.get((a, b), 0) for a in names for b in names), default=1) or 1
    for y, a in enumerate(names):
        for x, b in enumerate(names):
            count = counts.get((a, b), 0)
            shade = 0.12 + 0.48 * count / largest if count else 0.05
            colour = COLOURS["relabel"] if count else INK
            axes.add_patch(Rectangle((x - 0.47, y - 0.46), 0.94, 0.92, facecolor=colour, alpha=shade))
            if count:
                axes.text(x, y, f"{count:,}", ha="center", va="center")
    axes.set(
        xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5), title="given label (row) → new label (column)"
    )
    axes.set_yticks(range(len(names)), [shorten(name, 18) for name in names])
    axes.set_xticks(range(len(names)), [shorten(name, 14) for name in names], rotation=45, ha="right")
    axes.tick_params(length=0)
    axes.spines["bottom"].set_visible(False)


def _pairs(axes: Axes, pairs: list[Relabels]) -> None:
    axes.barh(
        range(len(pairs)), [p.count for p in pairs], height=0.6, color=COLOURS["relabel"], hatch=HATCHES["relabel"],
        edgecolor=GROUND,
    )  # fmt: skip
    longest = max((p.count for p in pairs), default=1)
    names = [f"{shorten(p.from_label, 16)} → {shorten(p.to_label, 16)}" for p in pairs]
    prepare_rows(axes, names, longest * 1.15)
    axes.set_yticks(range(len(names)), names)
    for place, p in enumerate(pairs):
        axes.text(p.count + longest * 0.015, place, f"{p.count:,}", va="center")
    axes.set_title("most frequent")
