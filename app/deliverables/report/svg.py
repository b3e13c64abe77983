"""Plots as SVG that stands in a page: colours are the page's, text stays text, the same figures give the same bytes.

Matplotlib knows no colours that change with a page's theme. So plots are drawn in stand-in colours, and each of them
becomes a CSS variable at the end.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, LINE, GROUND = "#010101", "#010102", "#010103", "#010104"
ACCENT, OTHER = "#010105", "#010106"
COLOURS = {"remove": "#010111", "relabel": "#010112", "keep": "#010113", "open": "#010114", "conflict": "#010115"}
VERDICT_COLOURS = {"confirmed": COLOURS["remove"], "rejected": COLOURS["keep"], "open": COLOURS["open"]}

HATCHES = {"relabel": "///", "open": "---", "conflict": "|||"}
"""Colour is never the only sign: these also have a pattern, and every bar its number or a legend in its order."""

_VARIABLES = {
    INK: "ink", SOFT: "ink-soft", LINE: "line", GROUND: "raised", ACCENT: "accent", OTHER: "other",
    **{colour: name for name, colour in COLOURS.items()},
}  # fmt: skip

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "winnow", "text.parse_math": False, "font.family": "DejaVu Sans",
    "font.size": 10.5, "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
    "axes.edgecolor": LINE, "axes.labelcolor": SOFT, "axes.titlesize": 11, "axes.titleweight": "bold",
    "axes.titlecolor": INK, "axes.titlelocation": "left", "axes.axisbelow": True, "text.color": INK,
    "xtick.color": LINE, "xtick.labelcolor": SOFT, "ytick.color": LINE, "ytick.labelcolor": INK, "ytick.major.size": 0,
    "grid.color": LINE, "grid.linewidth": 0.6, "hatch.linewidth": 0.7, "legend.frameon": False, "legend.fontsize": 10.5,
    "figure.facecolor": "none", "axes.facecolor": "none", "patch.linewidth": 0,
}  # fmt: skip

WIDTH = 10.0
"""Inches of a plot as wide as the page's column; text keeps its size relative to it."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """A plot under way. ``axes`` are as many as were asked for, from left to right."""

    figure: Figure
    axes: list[Axes]


@contextmanager
def canvas(
    height: float, *, width: float = WIDTH, columns: int = 1, ratios: list[float] | None = None
) -> Iterator[Canvas]:
    """A plot of this size in inches."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # The font that text is measured with lacks some scripts; the reader's browser has its own fonts.
        warnings.filterwarnings("ignore", message="Glyph")
        figure = Figure(figsize=(width, height), layout="constrained")
        made = figure.subplots(1, columns, squeeze=False, width_ratios=ratios)
        yield Canvas(figure, list(made[0]))


def finish(drawn: Canvas, name: str, said: str) -> str:
    """The plot as an ``<svg>`` element. ``said`` is what it shows, for those who cannot see it.

    ``name`` goes before every id: several plots stand in one page.
    """
    out = io.StringIO()
    drawn.figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r'\b(fill|stroke)="(#[0-9a-f]{6})"', r'style="\1: \2"', text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var(--{variable})")
    text = re.sub(r"font-family: [^;\"]*; ", "", text)
    text = re.sub(r' transform="rotate\(-?0 [^"]*"', "", text)
    text = re.sub(r"(\d\.\d\d)\d+", r"\1", text)
    head = re.match(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', text)
    if head is None:
        raise ValueError("Matplotlib wrote an SVG without a size.")
    opening = (
        f'<svg class="plot" viewBox="{head[1]}" role="img" aria-label="{escape(said)}" '
        f'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    return opening + text[head.end() :].rstrip() + "\n"
