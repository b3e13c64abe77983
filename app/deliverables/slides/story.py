"""What every slide is made from."""

from __future__ import annotations

from dataclasses import dataclass

from app.deliverables.content import VersionContent
from app.deliverables.deliverable import Pictures
from app.deliverables.examples import Examples
from app.deliverables.figures import Figures
from app.deliverables.leak_figures import LeakFigures


@dataclass(frozen=True, slots=True)
class Story:
    """A version's content, its figures, the chosen examples, and where their pictures come from."""

    content: VersionContent
    figures: Figures
    leaks: LeakFigures
    examples: Examples
    pictures: Pictures


def percent(value: float) -> str:
    """A share with the digits that tell small ones apart."""
    return f"{value:.1%}" if value >= 0.0995 or value == 0 else f"{value:.2%}"
