"""A comparison's report as one HTML page that loads nothing and runs nothing, and its figures as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.deliverables.report.page import report_template
from app.deliverables.training.cell_plots import plot_confusion, plot_robustness
from app.deliverables.training.plots import (
    main_conditions,
    plot_accuracy,
    plot_classes,
    plot_curves,
    plot_share,
)

MOST_CONFUSIONS = 3


@dataclass(frozen=True, slots=True)
class TrainingPlots:
    """Each an ``<svg>``; ``share`` is None where there is no curve of shares."""

    accuracy: Markup
    curves: Markup
    classes: Markup
    robustness: Markup
    share: Markup | None
    confusions: tuple[tuple[str, Markup], ...]


def draw_plots(record: Mapping[str, Any]) -> TrainingPlots:
    """The same record gives the same figures, byte for byte."""
    names = [one["name"] for one in main_conditions(record)[1 : 1 + MOST_CONFUSIONS]]
    share = plot_share(record)
    return TrainingPlots(
        _safe(plot_accuracy(record)), _safe(plot_curves(record)), _safe(plot_classes(record)),
        _safe(plot_robustness(record)), _safe(share) if share else None,
        tuple((name, _safe(plot_confusion(record, name))) for name in names),
    )  # fmt: skip


def _safe(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - svg.finish escapes


def render_page(record: Mapping[str, Any], plots: TrainingPlots) -> bytes:
    return report_template("training.html").render(record=record, plots=plots).encode("utf-8", "replace")
