"""One slide as a sheet with a grid: where things go, in which sizes, and text that fits its box whatever it says."""

from __future__ import annotations

import io
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.deliverables.names import clean, shorten

if TYPE_CHECKING:
    from pptx.presentation import Presentation
    from pptx.slide import Slide

WIDTH, HEIGHT = 13.333, 7.5
LEFT, RIGHT, TOP, BOTTOM = 0.7, 12.633, 1.62, 6.75
"""Inches; everything but title and footer lies between these."""

INK, SOFT, LINE, WELL, ACCENT = "1A1A1A", "565653", "D9D9D6", "ECECEA", "3451D1"
FONT = "Calibri"
_EM = 0.5
"""Width of a character beside its height, on average; wide scripts count twice."""


@dataclass(frozen=True, slots=True)
class Box:
    """A place on the slide, in inches."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Look:
    """How a text looks. It is set smaller, down to ``least``, until it fits."""

    size: float = 14
    colour: str = INK
    bold: bool = False
    align: str = "left"
    anchor: str = "top"
    least: float = 9


class Sheet:
    """A slide under way."""

    def __init__(self, presentation: Presentation, title: str, *, layout: int = 5) -> None:
        self.slide: Slide = presentation.slides.add_slide(presentation.slide_layouts[layout])
        self.number = len(presentation.slides)
        self.retitle(title, Box(LEFT, 0.5, RIGHT - LEFT, 0.95), Look(28, bold=True, anchor="middle", least=18))

    def retitle(self, title: str, box: Box, look: Look) -> None:
        """Set the slide's title, which is also its name in outlines and for screen readers."""
        holder = self.slide.shapes.title
        if holder is None:
            raise ValueError("The slide layout has no title.")
        self._place(holder, box)
        holder.text_frame.clear()
        self._fill(holder.text_frame, [title], box, look)

    def text(self, text: str | Sequence[str], box: Box, look: Look | None = None) -> None:
        """Paragraphs in a box."""
        shape = self.slide.shapes.add_textbox(*emu(box))
        self._fill(shape.text_frame, [text] if isinstance(text, str) else list(text), box, look or Look())

    def figure(self, number: str, words: str, box: Box) -> None:
        """A large number with what it counts below it."""
        self.text(number, Box(box.left, box.top, box.width, 0.62), Look(32, bold=True, anchor="bottom", least=18))
        self.text(words, Box(box.left, box.top + 0.6, box.width, box.height - 0.6), Look(13, SOFT))

    def steps(self, steps: Sequence[str], top: float, height: float, look: Look) -> None:
        """Numbered sentences below each other, all in one size."""
        boxes = [Box(LEFT + 0.7, top + i * height + 0.06, RIGHT - LEFT - 0.7, height - 0.12) for i in range(len(steps))]
        size = min(fitting_size([step], box, look) for step, box in zip(steps, boxes, strict=True))
        for place, (step, box) in enumerate(zip(steps, boxes, strict=True)):
            self.text(f"{place + 1}", Box(LEFT, box.top - 0.06, 0.6, 0.45), Look(22, ACCENT, bold=True))
            self.text(step, box, replace(look, size=size))

    def rectangle(self, box: Box, colour: str) -> None:
        from pptx.dml.color import RGBColor
        from pptx.enum.shapes import MSO_SHAPE
        from pptx.oxml.ns import qn

        shape = self.slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *emu(box))
        shape.fill.solid()
        shape.fill.fore_color.rgb = RGBColor.from_string(colour)
        shape.line.fill.background()
        shape._element.remove(shape._element.find(qn("p:style")))  # the theme's shadow

    def picture(self, data: bytes | None, box: Box, said: str) -> None:
        """A picture as large as its box lets it be; a calm empty one where it can't be read any more."""
        self.rectangle(box, WELL)
        if data is None:
            self.text("This file can't be read", box, Look(10, SOFT, align="center", anchor="middle", least=8))
            return
        shape = self.slide.shapes.add_picture(io.BytesIO(data), 0, 0)
        _, _, width, height = emu(box)
        scale = min(width / shape.width, height / shape.height)
        shape.width, shape.height = round(shape.width * scale), round(shape.height * scale)
        shape.left = emu(box)[0] + (width - shape.width) // 2
        shape.top = emu(box)[1] + (height - shape.height) // 2
        shape._element.nvPicPr.cNvPr.set("descr", clean(said))

    def footer(self, text: str) -> None:
        self.rectangle(Box(LEFT, 6.98, RIGHT - LEFT, 0.01), LINE)
        self.text(text, Box(LEFT, 7.03, 10.5, 0.3), Look(10, SOFT, anchor="middle"))
        self.text(f"{self.number}", Box(RIGHT - 1, 7.03, 1, 0.3), Look(10, SOFT, align="right", anchor="middle"))

    def notes(self, lines: Sequence[str]) -> None:
        frame = self.slide.notes_slide.notes_text_frame
        if frame is None:
            raise ValueError("The notes page has no place for text.")
        frame.text = "\n".join(clean(line) for line in lines)

    def _place(self, shape: Any, box: Box) -> None:
        for name, value in zip(("left", "top", "width", "height"), emu(box), strict=True):
            setattr(shape, name, value)

    def _fill(self, frame: Any, paragraphs: Sequence[str], box: Box, look: Look) -> None:
        from pptx.dml.color import RGBColor
        from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
        from pptx.util import Pt

        texts = [clean(paragraph) for paragraph in paragraphs]
        size = fitting_size(texts, box, look)
        frame.word_wrap = True
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        frame.vertical_anchor = {
            "top": MSO_ANCHOR.TOP, "middle": MSO_ANCHOR.MIDDLE, "bottom": MSO_ANCHOR.BOTTOM,
        }[look.anchor]  # fmt: skip
        for place, text in enumerate(texts):
            paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
            paragraph.alignment = {"left": PP_ALIGN.LEFT, "right": PP_ALIGN.RIGHT, "center": PP_ALIGN.CENTER}[
                look.align
            ]
            paragraph.space_after = Pt(0 if place == len(texts) - 1 else size * 0.5)
            run = paragraph.add_run()
            run.text = cut_to_fit(text, box, size) if len(texts) == 1 else text
            run.font.size, run.font.bold, run.font.name = Pt(size), look.bold, FONT
            run.font.color.rgb = RGBColor.from_string(look.colour)


def emu(box: Box) -> tuple[int, int, int, int]:
    left, top, width, height = (round(value * 914_400) for value in (box.left, box.top, box.width, box.height))
    return left, top, width, height


def width_of(text: str, size: float) -> float:
    """Inches that a text takes on one line, on the safe side."""
    ems = sum(
        1.0 if unicodedata.east_asian_width(c) in "WF" else 0.68 if c.isupper() or c in "mwMW@%" else _EM for c in text
    )
    return ems * size / 72


def lines_of(text: str, box: Box, size: float) -> int:
    """Lines that a text takes in a box. A word longer than a line is broken."""
    used, lines = 0.0, 1
    for word in text.split(" "):
        wide = width_of(word + " ", size)
        if used and used + wide > box.width:
            lines, used = lines + 1, 0.0
        lines += int(wide / box.width)
        used += wide % box.width if wide > box.width else wide
    return lines


def fitting_size(texts: Sequence[str], box: Box, look: Look) -> float:
    size = look.size
    while size > look.least and _height(texts, box, size) > box.height:
        size -= 1
    return size


def _height(texts: Sequence[str], box: Box, size: float) -> float:
    lines = sum(lines_of(text, box, size) for text in texts)
    return (lines * 1.2 + (len(texts) - 1) * 0.5) * size / 72


def cut_to_fit(text: str, box: Box, size: float) -> str:
    """The text, its middle left out where even the smallest size is too large for its box."""
    longest = len(text)
    while longest > 8 and _height([shorten(text, longest)], box, size) > max(box.height, size * 1.2 / 72):
        longest = min(longest - 1, math.floor(longest * 0.95))
    return shorten(text, longest)
