"""The flow of samples from the flag over who settled them to what became of them, as bands between three columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.deliverables.figures import OUTCOME_WORDS, OUTCOMES, SETTLED_BY, Figures
from app.deliverables.report.svg import COLOURS, GROUND, HATCHES, INK, SOFT, Canvas, canvas, finish

_HEIGHT = 4.4
_TOP = 0.93
_LABEL, _GAP, _THIN = 0.056, 0.014, 0.004
_COLUMNS = ((0.16, 0.012), (0.50, 0.012), (0.835, 0.012))
_TITLES = ("Flagged as", "Settled by", "Outcome")

Flow = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Node:
    top: float
    bottom: float
    count: int


def plot_flow(figures: Figures) -> str:
    flow = figures.flow
    columns = [_place(_counts(flow, i), order) for i, order in enumerate(_orders(figures))]
    with canvas(_HEIGHT) as drawn:
        axes = drawn.axes[0]
        axes.set_axis_off()
        axes.set(xlim=(0, 1), ylim=(0, 1))
        for i in range(2):
            _bands(drawn, flow, i, columns)
        for i, column in enumerate(columns):
            _nodes(drawn, i, column)
        return finish(drawn, "flow", _said(figures))


def _orders(figures: Figures) -> list[Sequence[str]]:
    return [list(figures.by_issue), SETTLED_BY, OUTCOMES]


def _counts(flow: Counter[Flow], column: int) -> Counter[str]:
    counts = Counter[str]()
    for parts, count in flow.items():
        counts[parts[column]] += count
    return counts


def _place(counts: Mapping[str, int], order: Sequence[str]) -> dict[str, _Node]:
    """Heights in proportion, none too thin to see, each with room for its label."""
    names = [name for name in order if counts.get(name)]
    total = sum(counts.values()) or 1
    room = _TOP - _GAP * len(names)
    scale = room / total
    while sum(_slot(counts[name] * scale) for name in names) > room and scale > 1e-9:
        scale *= 0.97
    nodes, top = {}, _TOP - _GAP
    for name in names:
        height = max(counts[name] * scale, _THIN)
        slot = _slot(height)
        middle = top - slot / 2
        nodes[name] = _Node(middle + height / 2, middle - height / 2, counts[name])
        top -= slot + _GAP
    return nodes


def _slot(height: float) -> float:
    return max(height, _LABEL)


def _bands(drawn: Canvas, flow: Counter[Flow], i: int, columns: list[dict[str, _Node]]) -> None:
    left, right = columns[i], columns[i + 1]
    rank = {name: place for column in columns for place, name in enumerate(column)}
    starts = _stack(flow, left, i, lambda f: (rank[f[i]], rank[f[2]], rank[f[1]], rank[f[0]]))
    ends = _stack(flow, right, i + 1, lambda f: (rank[f[i + 1]], rank[f[2]], rank[f[0]], rank[f[1]]))
    x0, x1 = sum(_COLUMNS[i]), _COLUMNS[i + 1][0]
    for parts in sorted(flow, key=lambda f: (rank[f[0]], rank[f[1]], rank[f[2]])):
        _band(drawn, x0, x1, starts[parts], ends[parts], parts[2])


def _stack(
    flow: Counter[Flow], nodes: Mapping[str, _Node], column: int, key: Callable[[Flow], tuple[int, ...]]
) -> dict[Flow, tuple[float, float]]:
    """Where each band touches its node: from the top down."""
    places: dict[Flow, tuple[float, float]] = {}
    at = {name: node.top for name, node in nodes.items()}
    for parts in sorted(flow, key=key):
        node = nodes[parts[column]]
        height = (node.top - node.bottom) * flow[parts] / node.count
        places[parts] = (at[parts[column]], at[parts[column]] - height)
        at[parts[column]] -= height
    return places


def _band(
    drawn: Canvas, x0: float, x1: float, start: tuple[float, float], end: tuple[float, float], outcome: str
) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    middle = (x0 + x1) / 2
    points = [
        (x0, start[0]), (middle, start[0]), (middle, end[0]), (x1, end[0]),
        (x1, end[1]), (middle, end[1]), (middle, start[1]), (x0, start[1]), (x0, start[0]),
    ]  # fmt: skip
    codes = [
        Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4, Path.LINETO, Path.CURVE4, Path.CURVE4, Path.CURVE4,
        Path.CLOSEPOLY,
    ]  # fmt: skip
    patch = PathPatch(Path(points, codes), facecolor=COLOURS[outcome], alpha=0.45, linewidth=0)
    drawn.axes[0].add_patch(patch)


def _nodes(drawn: Canvas, i: int, nodes: Mapping[str, _Node]) -> None:
    from matplotlib.patches import Rectangle

    axes = drawn.axes[0]
    x, width = _COLUMNS[i]
    is_first = i == 0
    axes.text(
        x if is_first else x + width, 0.985, _TITLES[i], color=SOFT, ha="right" if is_first else "left", va="center"
    )
    for name, node in nodes.items():
        colour = COLOURS[name] if i == 2 else INK
        hatch = HATCHES.get(name) if i == 2 else None
        axes.add_patch(
            Rectangle((x, node.bottom), width, node.top - node.bottom, facecolor=colour, hatch=hatch, edgecolor=GROUND)
        )
        label = f"{OUTCOME_WORDS.get(name, name) if i == 2 else name}  {node.count:,}"
        place = x - 0.008 if is_first else x + width + 0.008
        axes.text(
            place, (node.top + node.bottom) / 2, label, ha="right" if is_first else "left", va="center", fontsize=11
        )


def _said(figures: Figures) -> str:
    parts = ", ".join(f"{count:,} {OUTCOME_WORDS[name]}" for name, count in figures.outcomes.items() if count)
    return f"Flow of {figures.flagged:,} samples from flag to outcome: {parts}."
