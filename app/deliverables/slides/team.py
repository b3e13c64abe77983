"""Example pictures, the reviewers' agreement, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.deliverables.content import Outcome
from app.deliverables.examples import HOW_CHOSEN
from app.deliverables.figures import issues_of, surest
from app.deliverables.leak_figures import surety, words_of
from app.deliverables.slides.charts import Series, Style, add_chart, add_table
from app.deliverables.slides.sheet import LEFT, RIGHT, SOFT, TOP, Box, Look, Sheet
from app.deliverables.slides.story import Story
from app.deliverables.words import agreement_text, next_steps

if TYPE_CHECKING:
    from pptx.presentation import Presentation

_PIXELS = 360
_ACROSS, _GAP = 6, 0.18
_SIDE = (RIGHT - LEFT - _GAP * (_ACROSS - 1)) / _ACROSS
_MOST_PEOPLE, _MOST_KAPPAS = 10, 7


def add_decided_examples(presentation: Presentation, story: Story) -> Sheet:
    chosen = story.examples
    sheet = Sheet(presentation, "Examples: removed and relabelled")
    _row(sheet, story, "Removed", chosen.removed or chosen.low_quality, TOP)
    _row(sheet, story, "Relabelled", chosen.relabelled, TOP + 2.62)
    shown = [*(chosen.removed or chosen.low_quality), *chosen.relabelled]
    sheet.notes([HOW_CHOSEN, *(f"{o['key']}: {o['explanation']}" for o in shown)])
    return sheet


def add_other_examples(presentation: Presentation, story: Story) -> Sheet:
    chosen = story.examples
    sheet = Sheet(presentation, "Examples: leaks, and what was kept although flagged")
    _leak_row(sheet, story, TOP)
    _row(sheet, story, "Kept although flagged", chosen.kept, TOP + 2.62)
    pairs = [f"{row['train_image']} and {row['test_image']}: {_change(row)}" for row in chosen.leaks]
    sheet.notes([HOW_CHOSEN, *pairs, *(f"{o['key']}: {o['explanation']}" for o in chosen.kept)])
    return sheet


def _row(sheet: Sheet, story: Story, title: str, outcomes: Sequence[Outcome], top: float) -> None:
    sheet.text(title, Box(LEFT, top, 8, 0.3), Look(14, SOFT))
    if not outcomes:
        sheet.text("None.", Box(LEFT, top + 0.5, 8, 0.5), Look(18, SOFT))
    for place, outcome in enumerate(outcomes):
        left = LEFT + place * (_SIDE + _GAP)
        box = Box(left, top + 0.33, _SIDE, 1.55)
        sheet.picture(story.pictures.jpeg(outcome["key"], _PIXELS), box, outcome["key"])
        label = outcome["given_label"] + (f" → {outcome['new_label']}" if outcome["new_label"] else "")
        sheet.text(label, Box(left, top + 1.93, _SIDE, 0.25), Look(11, bold=True, least=10))
        confidence = surest(outcome)
        flag = ", ".join(issues_of(outcome)) + (f" {confidence:.2f}" if confidence >= 0 else "")
        sheet.text(flag, Box(left, top + 2.17, _SIDE, 0.22), Look(11, SOFT, least=9))


def _leak_row(sheet: Sheet, story: Story, top: float) -> None:
    sheet.text("Leaks: train left, test right", Box(LEFT, top, 8, 0.3), Look(14, SOFT))
    pairs = story.examples.leaks[: _ACROSS // 2]
    if not pairs:
        words = "None were found." if story.leaks.runs else "Not searched for."
        sheet.text(words, Box(LEFT, top + 0.5, 8, 0.5), Look(18, SOFT))
    for place, row in enumerate(pairs):
        left = LEFT + place * 2 * (_SIDE + _GAP)
        for side, name in enumerate(("train", "test")):
            at = left + side * (_SIDE + 0.04)
            key = row[f"{name}_image"]
            sheet.picture(story.pictures.jpeg(key, _PIXELS), Box(at, top + 0.33, _SIDE, 1.55), key)
        labels = f"{row['train_label'] or 'no label'} | {row['test_label'] or 'no label'}"
        sheet.text(labels, Box(left, top + 1.93, 2 * _SIDE, 0.25), Look(11, bold=True, least=10))
        sheet.text(_change(row), Box(left, top + 2.17, 2 * _SIDE, 0.22), Look(11, SOFT, least=9))


def _change(row: Mapping[str, Any]) -> str:
    return f"{words_of(row.get('transform') or row['leak_type'])}, score {int(surety(row) * 100) / 100:.2f}"


def add_agreement(presentation: Presentation, story: Story) -> Sheet:
    content = story.content
    agreement = content.agreement
    alpha = agreement.alpha if agreement else None
    sheet = Sheet(presentation, f"Agreement: alpha {alpha:.2f}" if alpha is not None else "Agreement")
    sheet.text(agreement_text(content), Box(LEFT, TOP, RIGHT - LEFT, 0.75), Look(16, SOFT))
    people = sorted(content.snapshot["reviewers"].items(), key=lambda item: (-item[1], item[0]))
    top = TOP + 0.95
    if people:
        sheet.text(_reviews_title(len(people)), Box(LEFT, top, 6, 0.35), Look(14, SOFT))
        shown = people[:_MOST_PEOPLE]
        box = Box(LEFT, top + 0.35, 6.0, min(3.8, 0.9 + 0.5 * len(shown)))
        series = [Series("reviews", "accent", [n for _, n in shown])]
        add_chart(sheet, box, [name for name, _ in shown], series, Style("bars"))
    left = 7.3
    kappas = sorted(agreement.kappas.items()) if agreement else []
    if len(kappas) > _MOST_KAPPAS:
        kappas.sort(key=lambda item: (item[1], item[0]))
    if kappas:
        title = "Cohen's kappa of two people" + (", the lowest" if len(kappas) > _MOST_KAPPAS else "")
        sheet.text(title, Box(left, top, 5, 0.35), Look(14, SOFT))
        rows = [["two people", "kappa"], *([f"{a} and {b}", f"{kappa:.2f}"] for (a, b), kappa in kappas[:_MOST_KAPPAS])]
        add_table(sheet, Box(left, top + 0.4, RIGHT - left, 2.3), rows, [4, 1], 13)
    shared = story.figures.shared
    if shared:
        below = top + (
            0.4 + min(0.42, 2.3 / (len(kappas[:_MOST_KAPPAS]) + 1)) * (len(kappas[:_MOST_KAPPAS]) + 1) + 0.3
            if kappas
            else 0
        )
        rows = [["samples that several people answered", ""], *([name, f"{n:,}"] for name, n in shared.items())]
        add_table(sheet, Box(left, below, RIGHT - left, 6.7 - below), rows, [4, 1], 13)
    lines = [f"{name}: {count:,} reviews" for name, count in people[:60]]
    lines += [f"{a} and {b}: kappa {kappa:.3f}" for (a, b), kappa in kappas[:60]]
    sheet.notes([agreement_text(content), *lines])
    return sheet


def _reviews_title(people: int) -> str:
    return f"Reviews by person, the {_MOST_PEOPLE} with most" if people > _MOST_PEOPLE else "Reviews by person"


def add_next_steps(presentation: Presentation, story: Story) -> Sheet:
    sheet = Sheet(presentation, "Next steps")
    steps = next_steps(story.content, story.figures, story.leaks)
    height = min(0.8, 5.0 / len(steps))
    sheet.steps(steps, TOP, height, Look(17, least=10))
    sheet.notes([*steps, f"Digest over the content: {story.content.digest}"])
    return sheet
