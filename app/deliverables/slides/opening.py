"""The title and the method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.deliverables.slides.sheet import ACCENT, LEFT, LINE, RIGHT, SOFT, TOP, Box, Look, Sheet
from app.deliverables.slides.story import Story, percent
from app.deliverables.words import method_of, policies_of

if TYPE_CHECKING:
    from pptx.presentation import Presentation


def add_title(presentation: Presentation, story: Story) -> Sheet:
    content, total = story.content, story.figures.total
    sheet = Sheet(presentation, content.dataset)
    box = Box(LEFT, 1.1, RIGHT - LEFT, 1.9)
    sheet.retitle(content.dataset, box, Look(48, bold=True, anchor="bottom", least=22))
    sheet.rectangle(Box(LEFT, 3.22, 0.9, 0.07), ACCENT)
    sheet.text("Cleaning report", Box(LEFT, 3.48, RIGHT - LEFT, 0.5), Look(24, SOFT))
    who = f"Version {content.number}, frozen {content.frozen_at} by {content.author}"
    sheet.text(who, Box(LEFT, 4.02, RIGHT - LEFT, 0.4), Look(16, SOFT))
    sheet.rectangle(Box(LEFT, 5.0, RIGHT - LEFT, 0.01), LINE)
    heads = (
        (f"{total.before:,}", "samples before cleaning"),
        (f"{total.removed:,}", f"removed ({percent(total.share_removed)})"),
        (f"{total.relabelled_away:,}", "relabelled"),
        (f"{story.leaks.by_verdict['confirmed']:,}", "leak pairs confirmed"),
        (f"{total.after:,}", "samples after cleaning"),
    )
    width = (RIGHT - LEFT) / len(heads)
    for place, (number, words) in enumerate(heads):
        sheet.figure(number, words, Box(LEFT + place * width, 5.15, width - 0.2, 1.1))
    note = [f"Note of the version: {content.note}"] if content.note else []
    sheet.notes([f"{content.dataset}, version {content.number}.", *note, f"Digest over the content: {content.digest}"])
    return sheet


def add_method(presentation: Presentation, story: Story) -> Sheet:
    sheet = Sheet(presentation, "Method")
    steps = method_of(story.content, story.figures, story.leaks)
    height = min(1.0, 5.1 / len(steps))
    sheet.steps(steps, TOP, height, Look(15, least=10))
    sheet.notes(["Policies:", *(f"{name}: {value}" for name, value in policies_of(story.content))])
    return sheet
