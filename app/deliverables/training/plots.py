"""A comparison's figures: accuracy with its intervals, training curves, and what cleaning wins back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.deliverables.names import shorten
from app.deliverables.report.svg import ACCENT, COLOURS, GROUND, INK, OTHER, SOFT, canvas, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SERIES = (SOFT, ACCENT, COLOURS["remove"], COLOURS["keep"], COLOURS["conflict"], OTHER)
_DASHES: tuple[Any, ...] = ("-", "-", "--", "-.", ":", (0, (6, 1.5, 1, 1.5, 1, 1.5)))
"""Colour is never the only sign."""

MOST_CURVES = len(_SERIES)


def main_conditions(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The raw data and what was asked for: all but the controls."""
    return [one for one in record["conditions"] if one["control_of"] is None]


def plot_accuracy(record: Mapping[str, Any]) -> str:
    """A line a condition: mean, 95 % interval over seeds, and a dot for each seed."""
    part = record["parts"][0]
    conditions = record["conditions"]
    with canvas(0.9 + 0.36 * len(conditions)) as drawn:
        axes = drawn.axes[0]
        for place, one in enumerate(conditions):
            interval = part["accuracy"][one["name"]]
            colour = SOFT if one["control_of"] else ACCENT
            axes.plot([interval["low"], interval["high"]], [place, place], color=colour, linewidth=2.4)
            axes.plot(one["accuracy_by_seed"], [place] * len(one["accuracy_by_seed"]), "|", color=INK, markersize=9)
            axes.plot([interval["mean"]], [place], "o", color=colour, markersize=7, markeredgecolor=GROUND)
            axes.annotate(
                f"{interval['mean']:.1%}", (1.01, place), xycoords=("axes fraction", "data"), va="center",
                annotation_clip=False,
            )  # fmt: skip
        axes.axvline(part["accuracy"][conditions[0]["name"]]["mean"], color=SOFT, linewidth=0.8, linestyle=":")
        _name_rows(axes, [shorten(one["name"], 34) for one in conditions])
        axes.set_xlabel("accuracy on the evaluation set")
        axes.xaxis.set_major_formatter("{x:.0%}")
        said = "; ".join(f"{name} {found['mean']:.1%}" for name, found in part["accuracy"].items())
        return finish(drawn, "accuracy", f"Accuracy of each condition with 95 % intervals over seeds. {said}.")


def plot_curves(record: Mapping[str, Any]) -> str:
    """Loss in training and accuracy in evaluation by epoch, the mean over seeds."""
    from matplotlib.ticker import MaxNLocator

    shown = main_conditions(record)[:MOST_CURVES]
    with canvas(3.6, columns=2) as drawn:
        parts = (("loss", "loss on the training set", "{x:.1f}"),
                 ("evaluation_accuracy", "accuracy on the evaluation set", "{x:.0%}"))  # fmt: skip
        for axes, (figure, words, form) in zip(drawn.axes, parts, strict=True):
            for number, one in enumerate(shown):
                epochs = [row["epoch"] for row in one["curves"][0]]
                means = [_mean([curve[place][figure] for curve in one["curves"]]) for place in range(len(epochs))]
                axes.plot(
                    epochs,
                    means,
                    color=_SERIES[number],
                    linestyle=_DASHES[number],
                    linewidth=1.8,
                    label=shorten(one["name"]),
                )
            axes.set(xlabel="epoch", ylabel=words)
            axes.yaxis.set_major_formatter(form)
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
            axes.grid(axis="y")
        lines = drawn.axes[0].get_legend_handles_labels()
        drawn.figure.legend(*lines, loc="outside upper left", ncols=len(shown), columnspacing=1.4)
        said = "Training loss and evaluation accuracy by epoch for each condition, means over seeds."
        return finish(drawn, "curves", said)


def plot_share(record: Mapping[str, Any]) -> str | None:
    """Accuracy over the share of wrong labels put right; None where that was not asked for at several shares."""
    points = [(0.0, record["conditions"][0])] + [
        (one["share"], one) for one in record["conditions"] if one["share"] is not None and one["control_of"] is None
    ]
    if len(points) < 3:
        return None
    accuracy = record["parts"][0]["accuracy"]
    found = [(share, accuracy[one["name"]]) for share, one in sorted(points, key=lambda point: point[0])]
    with canvas(3.4) as drawn:
        axes = drawn.axes[0]
        means = [each["mean"] for _, each in found]
        below = [each["mean"] - each["low"] for _, each in found]
        above = [each["high"] - each["mean"] for _, each in found]
        shares = [share for share, _ in found]
        axes.errorbar(shares, means, yerr=[below, above], color=ACCENT, marker="o", linewidth=1.8, capsize=3)
        axes.set(xlabel="share of the wrong labels put right", ylabel="accuracy on the evaluation set")
        axes.xaxis.set_major_formatter("{x:.0%}")
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.grid(axis="y")
        said = "; ".join(f"{share:.0%}: {each['mean']:.1%}" for share, each in found)
        return finish(drawn, "share", f"Accuracy by share of wrong labels put right. {said}.")


def plot_classes(record: Mapping[str, Any], most: int = 24) -> str:
    """Change in each class against the raw data, those that change most."""
    shown = main_conditions(record)[1:4]
    classes = sorted(
        record["measured_classes"], key=lambda name: -max(abs(c["change_by_class"][name]["mean"]) for c in shown)
    )[:most]  # fmt: skip
    classes = [name for name in record["measured_classes"] if name in set(classes)]
    with canvas(1.0 + (0.2 + 0.17 * len(shown)) * len(classes)) as drawn:
        axes = drawn.axes[0]
        axes.axvline(0, color=SOFT, linewidth=0.8)
        for number, one in enumerate(shown):
            shift = (number - (len(shown) - 1) / 2) * 0.22
            for place, name in enumerate(classes):
                change = one["change_by_class"][name]
                axes.plot(
                    [100 * change["low"], 100 * change["high"]],
                    [place + shift] * 2,
                    color=_SERIES[number + 1],
                    linewidth=2,
                )
                axes.plot(
                    [100 * change["mean"]], [place + shift], "osD"[number], color=_SERIES[number + 1], markersize=6,
                    markeredgecolor=GROUND, label=shorten(one["name"]) if place == 0 else None,
                )  # fmt: skip
        _name_rows(axes, [shorten(name) for name in classes])
        axes.set_xlabel("change in accuracy against raw, points of percent")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=len(shown))
        said = "; ".join(f"{n}: {', '.join(_change(c, n) for c in shown)}" for n in classes[:12])
        return finish(drawn, "classes", f"Change in accuracy of each class against the raw data. {said}.")


def _change(one: Mapping[str, Any], name: str) -> str:
    return f"{one['name']} {100 * one['change_by_class'][name]['mean']:+.1f}"


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="x")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
