"""Figures of cells: robustness by corruption and strength, and by which classes confusions changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.deliverables.names import shorten
from app.deliverables.report.svg import ACCENT, COLOURS, INK, canvas, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES = 12
"""A matrix of more classes can't be read; the classes whose confusions changed most are shown."""

_DARKEST = 0.62
"""So strong at most, or the number in the cell could not be read."""


def plot_robustness(record: Mapping[str, Any]) -> str:
    """Accuracy on corrupted images: a row a condition, a column for each corruption and strength.

    Numbers are accuracy in percent; the colour is the difference from the raw data.
    """
    found = record["robustness"]
    conditions = record["conditions"]
    raw = _flat(found["accuracy"][conditions[0]["name"]])
    rows = {one["name"]: _flat(found["accuracy"][one["name"]]) for one in conditions}
    with canvas(1.3 + 0.34 * len(rows)) as drawn:
        axes = drawn.axes[0]
        changes = [[value - base for value, base in zip(row, raw, strict=True)] for row in rows.values()]
        texts = [[f"{100 * value:.0f}" for value in row] for row in rows.values()]
        columns = [f"{strength}" for _ in found["corruptions"] for strength in found["strengths"]]
        _draw_cells(axes, changes, texts, [shorten(name, 32) for name in rows], columns)
        strengths = len(found["strengths"])
        for number, kind in enumerate(found["corruptions"]):
            axes.text((number + 0.5) * strengths - 0.5, -0.75, kind, ha="center", va="bottom", color=INK)
            if number:
                axes.axvline(number * strengths - 0.5, color=INK, linewidth=0.8)
        axes.set_xlabel("strength of the corruption")
        said = "; ".join(f"{name}: {100 * sum(row) / len(row):.1f} on average" for name, row in rows.items())
        return finish(drawn, "robustness", f"Accuracy in percent on corrupted images. {said}.")


def _flat(cells: Sequence[Sequence[Mapping[str, float]]]) -> list[float]:
    return [cell["mean"] for row in cells for cell in row]


def plot_confusion(record: Mapping[str, Any], name: str) -> str:
    """How predictions of each class changed from the raw data to the condition ``name``, in points of the class."""
    raw = record["conditions"][0]["confusion"]
    one = next(c for c in record["conditions"] if c["name"] == name)["confusion"]
    measured, classes = record["measured_classes"], record["classes"]
    changes = [
        [(new - old) / max(sum(raw[row]), 1e-9) for new, old in zip(one[row], raw[row], strict=True)]
        for row in range(len(measured))
    ]
    rows = _largest([max(map(abs, row)) for row in changes])
    columns = _largest([max(abs(row[column]) for row in changes) for column in range(len(classes))])
    cells = [[changes[row][column] for column in columns] for row in rows]
    with canvas(1.2 + 0.4 * len(rows)) as drawn:
        axes = drawn.axes[0]
        good = [[classes[column] == measured[row] for column in columns] for row in rows]
        signed = [
            [x if right else -x for x, right in zip(*pair, strict=True)] for pair in zip(cells, good, strict=True)
        ]
        texts = [[f"{100 * x:+.1f}" for x in row] for row in cells]
        _draw_cells(axes, signed, texts, [shorten(measured[row], 20) for row in rows],
                    [shorten(classes[column], 11) for column in columns])  # fmt: skip
        axes.set(xlabel="predicted class", ylabel="label")
        return finish(
            drawn, f"confusion-{[c['name'] for c in record['conditions']].index(name)}",
            f"Change in predictions of each class from raw to {name}, in points of percent of the class.",
        )  # fmt: skip


def _largest(sizes: Sequence[float]) -> list[int]:
    chosen = sorted(range(len(sizes)), key=lambda place: -sizes[place])[:MOST_CLASSES]
    return sorted(chosen)


def _draw_cells(
    axes: Axes, changes: Sequence[Sequence[float]], texts: Sequence[Sequence[str]], rows: Sequence[str],
    columns: Sequence[str],
) -> None:  # fmt: skip
    """A cell is filled the more, the further its change is from 0: one colour for better, hatched another for worse."""
    from matplotlib.patches import Rectangle

    largest = max([abs(x) for row in changes for x in row] + [1e-9])
    for y, row in enumerate(changes):
        for x, change in enumerate(row):
            better = change > 0
            axes.add_patch(Rectangle(
                (x - 0.5, y - 0.5), 1, 1, color=ACCENT if better else COLOURS["remove"], linewidth=0,
                alpha=_DARKEST * abs(change) / largest,
            ))  # fmt: skip
            axes.text(x, y, texts[y][x], ha="center", va="center", color=INK, fontsize=9.5)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.spines["bottom"].set_visible(False)
