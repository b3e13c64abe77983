"""A presentation's file from its first to its last byte; slides come in between."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.deliverables.names import clean
from app.deliverables.slides.package import settle_zip
from app.deliverables.slides.sheet import HEIGHT, WIDTH

if TYPE_CHECKING:
    from pptx.presentation import Presentation


@dataclass(frozen=True, slots=True)
class About:
    """What the file says of itself. Of ``made_at`` it holds nothing finer than seconds."""

    title: str
    author: str
    subject: str
    comments: str
    made_at: datetime


def begin_presentation(about: About) -> Presentation:
    """Without slides, 16:9. The template's own preview picture is of another deck."""
    import pptx
    from pptx.util import Inches

    presentation = pptx.Presentation()
    presentation.slide_width, presentation.slide_height = Inches(WIDTH), Inches(HEIGHT)
    for layout in presentation.slide_layouts:
        for shape in list(layout.placeholders):
            if shape.placeholder_format.type is not None and shape.placeholder_format.idx >= 10:
                shape._element.getparent().remove(shape._element)  # date, footer, number: ours stand on each slide
    told = presentation.core_properties
    told.title = clean(about.title)[:250]
    told.author = told.last_modified_by = clean(about.author)[:250]
    told.subject, told.keywords, told.comments = about.subject, "", about.comments
    told.created = told.modified = about.made_at.replace(tzinfo=None)
    told.revision = 1
    package = presentation.part.package
    for key, relation in list(package._rels.items()):
        if relation.reltype.endswith("/thumbnail"):
            package._rels.pop(key)
    return presentation


def finish_presentation(presentation: Presentation, about: About) -> bytes:
    """The file; the same for the same slides."""
    out = io.BytesIO()
    presentation.save(out)
    return settle_zip(out.getvalue(), about.made_at)
