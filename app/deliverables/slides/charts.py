"""Native charts and tables: they can be edited, and their figures copied, in any office program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.deliverables.names import clean, shorten
from app.deliverables.slides.sheet import FONT, INK, LINE, SOFT, Box, Sheet, emu, width_of

if TYPE_CHECKING:
    from pptx.chart.chart import Chart

COLOURS = {
    "remove": "C4480A", "relabel": "2059B5", "keep": "5BB898", "open": "A9A9A4", "conflict": "C99700",
    "confirmed": "C4480A", "rejected": "5BB898", "accent": "3451D1",
}  # fmt: skip
_PATTERNED = frozenset({"open"})
"""What is not settled also has a pattern. Bars carry their numbers: colour is never the only sign."""


@dataclass(frozen=True, slots=True)
class Series:
    """One row of values: its name, its colour by meaning, a value a category."""

    name: str
    colour: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Style:
    """``kind`` is stacked, bars or columns. ``format`` is how Excel writes the numbers."""

    kind: str = "stacked"
    format: str = "#,##0"
    axis: bool = False
    labels: bool = True


def add_chart(sheet: Sheet, box: Box, categories: Sequence[str], series: Sequence[Series], style: Style) -> None:
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    data = CategoryChartData(number_format=style.format)
    data.categories = [cell_text(name) for name in categories]
    for one in series:
        data.add_series(cell_text(one.name), list(one.values))
    kinds = {
        "stacked": XL_CHART_TYPE.BAR_STACKED, "bars": XL_CHART_TYPE.BAR_CLUSTERED,
        "columns": XL_CHART_TYPE.COLUMN_STACKED,
    }  # fmt: skip
    frame = sheet.slide.shapes.add_chart(kinds[style.kind], *emu(box), data)
    chart: Chart = frame.chart
    _dress(chart, series, style)
    _paint(chart, series, style)


def cell_text(name: str) -> str:
    """A name for a chart's workbook: short, and never a formula."""
    plain = shorten(clean(name), 30)
    return f" {plain}" if plain.startswith(("=", "+", "-", "@", "{")) else plain


def _dress(chart: Chart, series: Sequence[Series], style: Style) -> None:
    from pptx.dml.color import RGBColor
    from pptx.enum.chart import XL_LEGEND_POSITION, XL_TICK_MARK
    from pptx.util import Pt

    chart.font.size, chart.font.name = Pt(12), FONT
    chart.font.color.rgb = RGBColor.from_string(INK)
    chart.has_title = False
    chart.has_legend = len(series) > 1
    if chart.has_legend:
        chart.legend.position = XL_LEGEND_POSITION.TOP
        chart.legend.include_in_layout = False
    names, values = chart.category_axis, chart.value_axis
    names.has_major_gridlines = False
    names.major_tick_mark = XL_TICK_MARK.NONE
    names.format.line.color.rgb = RGBColor.from_string(LINE)
    names.reverse_order = style.kind != "columns"
    values.visible, values.has_major_gridlines = style.axis, style.axis
    values.minimum_scale = 0
    if style.axis:
        values.major_gridlines.format.line.color.rgb = RGBColor.from_string(LINE)
        values.format.line.fill.background()
        values.tick_labels.font.color.rgb = RGBColor.from_string(SOFT)
        values.tick_labels.number_format, values.tick_labels.number_format_is_linked = style.format, False


def _paint(chart: Chart, series: Sequence[Series], style: Style) -> None:
    from pptx.dml.color import RGBColor
    from pptx.enum.chart import XL_LABEL_POSITION
    from pptx.enum.dml import MSO_PATTERN
    from pptx.util import Pt

    plot: Any = chart.plots[0]
    plot.gap_width = {"stacked": 45, "bars": 60, "columns": 8}[style.kind]
    if style.kind == "bars":
        plot.overlap = -8
    longest = max((sum(values) for values in zip(*(one.values for one in series), strict=True)), default=0)
    for drawn, one in zip(plot.series, series, strict=True):
        fill, colour = drawn.format.fill, RGBColor.from_string(COLOURS[one.colour])
        if one.colour in _PATTERNED:
            fill.patterned()
            fill.pattern = MSO_PATTERN.WIDE_UPWARD_DIAGONAL
            fill.fore_color.rgb, fill.back_color.rgb = colour, _lighter(one.colour)
        else:
            fill.solid()
            fill.fore_color.rgb = colour
        if not style.labels:
            continue
        labels = drawn.data_labels
        labels.show_value, labels.number_format_is_linked = True, False
        labels.font.size, labels.font.name = Pt(11), FONT
        if style.kind == "bars":
            labels.number_format, labels.position = style.format, XL_LABEL_POSITION.OUTSIDE_END
        else:  # where a part is too short for its number, the notes have it
            labels.number_format = f'[>={max(longest * 0.035, 1e-9):.6f}]{style.format};""'
            labels.position = XL_LABEL_POSITION.CENTER
            labels.font.color.rgb = RGBColor.from_string(
                "FFFFFF" if one.colour in ("remove", "confirmed", "relabel", "accent") else INK
            )


def _lighter(colour: str) -> Any:
    from pptx.dml.color import RGBColor

    parts = [int(COLOURS[colour][i : i + 2], 16) for i in (0, 2, 4)]
    return RGBColor(*(round(part + (255 - part) * 0.55) for part in parts))


def add_table(sheet: Sheet, box: Box, rows: Sequence[Sequence[str]], widths: Sequence[float], size: float = 13) -> None:
    """A plain table, its first row the heading, numbers to the right. Names are cut to their column."""
    from pptx.dml.color import RGBColor
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.util import Inches, Pt

    height = min(0.42, box.height / max(1, len(rows)))
    shape = sheet.slide.shapes.add_table(
        len(rows), len(widths), *emu(Box(box.left, box.top, box.width, height * len(rows)))
    )
    table = shape.table
    _undress(table)
    scale = box.width / sum(widths)
    for place, width in enumerate(widths):
        table.columns[place].width = Inches(width * scale)
    size = _common_size(rows, [width * scale for width in widths], min(size, height * 72 / 1.75))
    for y, row in enumerate(rows):
        table.rows[y].height = Inches(height)
        for x, text in enumerate(row):
            cell = table.cell(y, x)
            room = Box(0, 0, widths[x] * scale - 0.15, height)
            cell.margin_left, cell.margin_right = Inches(0.02), Inches(0.1)
            cell.margin_top = cell.margin_bottom = Inches(0.02)
            cell.vertical_anchor = MSO_ANCHOR.MIDDLE
            paragraph = cell.text_frame.paragraphs[0]
            paragraph.alignment = PP_ALIGN.RIGHT if x else PP_ALIGN.LEFT
            run = paragraph.add_run()
            run.text = _one_line(clean(text), room, size)
            run.font.size, run.font.name, run.font.bold = Pt(size), FONT, y == 0
            run.font.color.rgb = RGBColor.from_string(SOFT if y == 0 else INK)
            _line_below(cell)


def _common_size(rows: Sequence[Sequence[str]], widths: Sequence[float], size: float) -> float:
    """One size for a table, in which all its numbers fit; names in the first column are cut instead."""
    numbers = [(row[x], widths[x] - 0.15) for row in rows for x in range(1, len(widths))]
    while size > 8 and any(width_of(text, size) > room for text, room in numbers):
        size -= 0.5
    return size


def _one_line(text: str, room: Box, size: float) -> str:
    longest = len(text)
    while longest > 6 and width_of(shorten(text, longest), size) > room.width:
        longest -= 1
    return shorten(text, longest)


def _undress(table: Any) -> None:
    """Without the office program's own stripes and colours."""
    properties = table._tbl.tblPr
    for name in ("firstRow", "bandRow"):
        properties.set(name, "0")
    style = properties.find("{http://schemas.openxmlformats.org/drawingml/2006/main}tableStyleId")
    if style is not None:
        style.text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"


def _line_below(cell: Any) -> None:
    from pptx.oxml import parse_xml

    space = "http://schemas.openxmlformats.org/drawingml/2006/main"
    cell._tc.get_or_add_tcPr().append(
        parse_xml(f'<a:lnB xmlns:a="{space}" w="6350"><a:solidFill><a:srgbClr val="{LINE}"/></a:solidFill></a:lnB>')
    )
