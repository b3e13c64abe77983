"""A comparison's tables, as CSV for programs and as LaTeX for a paper."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.retraining.verdicts import tell_p

Table = tuple[list[str], list[list[Any]]]
"""Column names and rows."""


def make_tables(record: Mapping[str, Any]) -> dict[str, Table]:
    """Every table by the name of its file. Shares are from 0 to 1, not rounded."""
    found = {"accuracy": _accuracy(record), "comparisons": _comparisons(record), "by_class": _by_class(record)}
    found["robustness"] = _robustness(record)
    found["calibration"] = (
        ["condition", "calibration_error", "low", "high", "log_loss"],
        [
            [c["name"], *_ends(c["calibration_error"]), c["log_loss"]["mean"]]
            for c in record["conditions"]
        ],
    )  # fmt: skip
    found["curves"] = _curves(record)
    return found


def _accuracy(record: Mapping[str, Any]) -> Table:
    rows = [
        [part["name"], part["images"], name, *_ends(interval)]
        for part in record["parts"]
        for name, interval in part["accuracy"].items()
    ]
    return ["evaluation", "images", "condition", "accuracy", "low", "high"], rows


def _comparisons(record: Mapping[str, Any]) -> Table:
    columns = [
        "evaluation", "first", "second", "difference", "seeds_low", "seeds_high", "images_low", "images_high", "p",
        "p_holm", "effect_size", "mcnemar_only_first", "mcnemar_only_second", "mcnemar_p", "seeds_better",
        "seeds_needed", "detectable",
    ]  # fmt: skip
    rows = [
        [
            part["name"], c["first"], c["second"], *_ends(c["seeds"]), c["images"]["low"], c["images"]["high"], c["p"],
            c["p_holm"], c["effect_size"], c["mcnemar"]["only_first"], c["mcnemar"]["only_second"],
            c["mcnemar"]["p"], c["seeds_better"], c["seeds_needed"], c["detectable"],
        ]
        for part in record["parts"]
        for c in part["comparisons"]
    ]  # fmt: skip
    return columns, rows


def _by_class(record: Mapping[str, Any]) -> Table:
    rows = [
        [c["name"], label, *_ends(c["by_class"][label]), *_ends(c["change_by_class"][label])]
        for c in record["conditions"]
        for label in record["measured_classes"]
    ]
    return ["condition", "class", "accuracy", "low", "high", "change", "change_low", "change_high"], rows


def _robustness(record: Mapping[str, Any]) -> Table:
    found = record["robustness"]
    rows = [
        [name, kind, strength, *_ends(cells[i][j])]
        for name, cells in found["accuracy"].items()
        for i, kind in enumerate(found["corruptions"])
        for j, strength in enumerate(found["strengths"])
    ]
    return ["condition", "corruption", "strength", "accuracy", "low", "high"], rows


def _curves(record: Mapping[str, Any]) -> Table:
    names = ["epoch", "loss", "train_accuracy", "evaluation_loss", "evaluation_accuracy"]
    rows = [
        [c["name"], seed, *(row[name] for name in names)]
        for c in record["conditions"]
        for seed, curve in zip(record["seeds"], c["curves"], strict=True)
        for row in curve
    ]
    return ["condition", "seed", *names], rows


def _ends(interval: Mapping[str, float]) -> list[float]:
    return [interval["mean"], interval["low"], interval["high"]]


def write_csv(table: Table) -> bytes:
    """Exact: a value that is missing is an empty cell."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table[0])
    writer.writerows([["" if cell is None else cell for cell in row] for row in table[1]])
    return out.getvalue().encode("utf-8", "surrogateescape")


def write_latex(record: Mapping[str, Any]) -> str:
    """Two tables to put into a paper: accuracy by condition, and comparisons. They need the package booktabs."""
    first = record["parts"][0]
    by_name = {c["name"]: c for c in record["conditions"]}
    accuracy = [
        [
            name, f"{by_name[name]['training']['images']:,}", _points(interval["mean"]), _range(interval),
            f"{by_name[name]['calibration_error']['mean']:.3f}",
        ]
        for name, interval in first["accuracy"].items()
    ]  # fmt: skip
    comparisons = [
        [
            f"{c['first']} vs. {c['second']}", _points(c["seeds"]["mean"], sign=True), _range(c["seeds"], sign=True),
            _range(c["images"], sign=True), tell_p(c["p_holm"]).removeprefix("= "),
            "" if c["effect_size"] is None else f"{c['effect_size']:.1f}",
        ]
        for c in first["comparisons"]
    ]  # fmt: skip
    seeds = f"{len(record['seeds'])} seeds, {first['images']:,} evaluation images"
    return "\n".join([
        "% Needs \\usepackage{booktabs}.",
        _latex_table(
            f"Accuracy in percent with 95 % intervals over seeds ({seeds}); ECE: expected calibration error.",
            ["Condition", "Training images", "Accuracy", "95 % interval", "ECE"], accuracy,
        ),
        _latex_table(
            f"Differences in points of percent ({seeds}); p of a paired t-test over seeds, corrected after Holm.",
            ["Comparison", "Difference", "95 % over seeds", "95 % over images", "p", "d"], comparisons,
        ),
    ])  # fmt: skip


def _latex_table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    import pandas as pd

    styled = (
        pd.DataFrame(rows, columns=[_escape(name) for name in columns]).style.format(escape="latex").hide(axis="index")
    )
    text: str = styled.to_latex(
        hrules=True, caption=_escape(caption), column_format="l" + "r" * (len(columns) - 1), position_float="centering"
    )
    return text


def _escape(text: str) -> str:
    return text.replace("%", "\\%")


def _points(share: float, *, sign: bool = False) -> str:
    return f"{100 * share:+.2f}" if sign else f"{100 * share:.2f}"


def _range(interval: Mapping[str, float], *, sign: bool = False) -> str:
    return f"{_points(interval['low'], sign=sign)} to {_points(interval['high'], sign=sign)}"
