"""The deck: its slides in order, each laid out so that nobody has to touch it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

from app.deliverables.content import VersionContent
from app.deliverables.deliverable import Pictures
from app.deliverables.examples import choose_examples
from app.deliverables.figures import Figures
from app.deliverables.leak_figures import LeakFigures
from app.deliverables.names import clean, shorten
from app.deliverables.slides import findings, impact, opening, team
from app.deliverables.slides.package import settle_zip
from app.deliverables.slides.sheet import HEIGHT, WIDTH
from app.deliverables.slides.story import Story

if TYPE_CHECKING:
    from pptx.presentation import Presentation

EXAMPLES = 6

_SLIDES = (
    opening.add_title, opening.add_method, findings.add_result, findings.add_issues, findings.add_leaks,
    impact.add_sizes, impact.add_classes, team.add_decided_examples, team.add_other_examples, team.add_agreement,
    team.add_next_steps,
)  # fmt: skip


def write_slides(stream: BinaryIO, content: VersionContent, pictures: Pictures) -> None:
    """The presentation as bytes; the same for the same content and pictures."""
    import pptx

    presentation = pptx.Presentation()
    _prepare(presentation, content)
    figures, leaks = Figures(content), LeakFigures(content)
    story = Story(content, figures, leaks, choose_examples(content, leaks, EXAMPLES), pictures)
    for place, add in enumerate(_SLIDES):
        sheet = add(presentation, story)
        if place:
            sheet.footer(f"{shorten(content.dataset, 60)}  ·  version {content.number}  ·  {content.frozen_at}")
    out = io.BytesIO()
    presentation.save(out)
    stream.write(settle_zip(out.getvalue(), content.created_at))


def _prepare(presentation: Presentation, content: VersionContent) -> None:
    """16:9, and what the file says of itself. The template's own preview picture is of another deck."""
    from pptx.util import Inches

    presentation.slide_width, presentation.slide_height = Inches(WIDTH), Inches(HEIGHT)
    for layout in presentation.slide_layouts:
        for shape in list(layout.placeholders):
            if shape.placeholder_format.type is not None and shape.placeholder_format.idx >= 10:
                shape._element.getparent().remove(shape._element)  # date, footer, number: ours stand on each slide
    told = presentation.core_properties
    told.title = clean(f"{content.dataset}: cleaning report, version {content.number}")[:250]
    told.author = told.last_modified_by = clean(content.author)[:250]
    told.subject, told.keywords, told.comments = "Dataset cleaning", "", f"Digest {content.digest}"
    told.created = told.modified = content.created_at.replace(tzinfo=None)
    told.revision = 1
    package = presentation.part.package
    for key, relation in list(package._rels.items()):
        if relation.reltype.endswith("/thumbnail"):
            package._rels.pop(key)
