"""The deck: its slides in order, each laid out so that nobody has to touch it."""

from __future__ import annotations

from typing import BinaryIO

from app.deliverables.content import VersionContent
from app.deliverables.deliverable import Pictures
from app.deliverables.examples import choose_examples
from app.deliverables.figures import Figures
from app.deliverables.leak_figures import LeakFigures
from app.deliverables.names import shorten
from app.deliverables.slides import findings, impact, opening, team
from app.deliverables.slides.presentation import About, begin_presentation, finish_presentation
from app.deliverables.slides.story import Story

EXAMPLES = 6

_SLIDES = (
    opening.add_title, opening.add_method, findings.add_result, findings.add_issues, findings.add_leaks,
    impact.add_sizes, impact.add_classes, team.add_decided_examples, team.add_other_examples, team.add_agreement,
    team.add_next_steps,
)  # fmt: skip


def write_slides(stream: BinaryIO, content: VersionContent, pictures: Pictures) -> None:
    """The presentation as bytes; the same for the same content and pictures."""
    about = About(
        f"{content.dataset}: cleaning report, version {content.number}", content.author, "Dataset cleaning",
        f"Digest {content.digest}", content.created_at,
    )  # fmt: skip
    presentation = begin_presentation(about)
    figures, leaks = Figures(content), LeakFigures(content)
    story = Story(content, figures, leaks, choose_examples(content, leaks, EXAMPLES), pictures)
    for place, add in enumerate(_SLIDES):
        sheet = add(presentation, story)
        if place:
            sheet.footer(f"{shorten(content.dataset, 60)}  ·  version {content.number}  ·  {content.frozen_at}")
    stream.write(finish_presentation(presentation, about))
