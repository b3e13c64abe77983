"""A comparison's slides: what follows, accuracy, tests, leaks and how it was done. All from its record.

A deck of its own: a version's deck is frozen with the version (decision 58).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.deliverables.names import shorten
from app.deliverables.slides.charts import Series, Style, add_chart, add_table
from app.deliverables.slides.presentation import About, begin_presentation, finish_presentation
from app.deliverables.slides.sheet import ACCENT, BOTTOM, LEFT, LINE, RIGHT, SOFT, TOP, Box, Look, Sheet
from app.domain.retraining.statistics import LEVEL
from app.domain.retraining.verdicts import Finding, tell_p

if TYPE_CHECKING:
    from pptx.presentation import Presentation

NO_DATE = datetime(1980, 1, 1, tzinfo=UTC)
"""A record has no date, so that a second run gives the same bytes; neither has its deck."""

MOST_VERDICTS = 4
"""On one slide; the others come on the next."""

MOST_ROWS = 9
"""Of a table: where another font stands in for ours, names may need two lines."""

FINDINGS = {
    Finding.HELPED: "helped", Finding.BETTER: "better", Finding.WORSE: "worse", Finding.NOT_SHOWN: "not shown",
}  # fmt: skip


def make_slides(record: Mapping[str, Any]) -> bytes:
    """The presentation's file; the same record gives the same bytes."""
    about = About(f"{record['name']}: did cleaning help?", "", "Comparison of trainings", "", NO_DATE)
    presentation = begin_presentation(about)
    _add_title(presentation, record)
    sheets = [*_add_verdicts(presentation, record), _add_accuracy(presentation, record)]
    sheets += _add_tests(presentation, record)
    if len(record["parts"]) > 1:
        sheets.append(_add_parts(presentation, record))
    sheets.append(_add_method(presentation, record))
    for sheet in sheets:
        sheet.footer(f"{shorten(record['name'], 60)}  ·  {len(record['seeds'])} seeds  ·  {record['config']['model']}")
    return finish_presentation(presentation, about)


def _add_title(presentation: Presentation, record: Mapping[str, Any]) -> None:
    sheet = Sheet(presentation, record["name"])
    box = Box(LEFT, 1.1, RIGHT - LEFT, 1.9)
    sheet.retitle(record["name"], box, Look(48, bold=True, anchor="bottom", least=22))
    sheet.rectangle(Box(LEFT, 3.22, 0.9, 0.07), ACCENT)
    sheet.text("Did cleaning help?", Box(LEFT, 3.48, RIGHT - LEFT, 0.5), Look(24, SOFT))
    config = record["config"]
    how = f"{config['model']}, {config['epochs']} epochs, pictures of {config['side']} pixels"
    sheet.text(how, Box(LEFT, 4.02, RIGHT - LEFT, 0.4), Look(16, SOFT))
    sheet.rectangle(Box(LEFT, 5.0, RIGHT - LEFT, 0.01), LINE)
    heads = (
        (f"{len(record['conditions']):,}", "conditions, controls among them"), (f"{len(record['seeds']):,}", "seeds"),
        (f"{record['training_images']:,}", "training images"),
        (f"{record['evaluation_images']:,}", "evaluation images"),
    )  # fmt: skip
    width = (RIGHT - LEFT) / len(heads)
    for place, (number, words) in enumerate(heads):
        sheet.figure(number, words, Box(LEFT + place * width, 5.15, width - 0.2, 1.1))
    sheet.notes([f"{record['name']}: models trained on raw and on cleaned data.", *record["facts"]])


def _add_verdicts(presentation: Presentation, record: Mapping[str, Any]) -> list[Sheet]:
    """What was asked for; what controls did against the raw data stands among the tests."""
    asked = {one["name"] for one in record["conditions"] if one["control_of"] is None}
    verdicts = [one for one in record["verdicts"] if one["condition"] in asked]
    sheets = []
    for start in range(0, len(verdicts), MOST_VERDICTS):
        shown = verdicts[start : start + MOST_VERDICTS]
        sheet = Sheet(presentation, _headline(verdicts))
        height = (BOTTOM - TOP) / len(shown)
        for place, one in enumerate(shown):
            top = TOP + place * height
            sheet.text(shorten(one["condition"], 34), Box(LEFT, top, 2.6, 0.7), Look(16, bold=True, least=11))
            sheet.text(FINDINGS[Finding(one["finding"])], Box(LEFT, top + 0.72, 2.6, 0.35), Look(14, ACCENT))
            sheet.text(
                [one["follows"], one["does_not_follow"]], Box(LEFT + 2.8, top, RIGHT - LEFT - 2.8, height - 0.15),
                Look(18 if len(shown) < 3 else 15, least=9),
            )  # fmt: skip
        sheet.notes([f"{one['condition']}: {one['follows']} {one['does_not_follow']}" for one in shown])
        sheets.append(sheet)
    return sheets


def _headline(verdicts: Sequence[Mapping[str, Any]]) -> str:
    helped = [one["condition"] for one in verdicts if one["finding"] == Finding.HELPED]
    if helped:
        return f"{' and '.join(shorten(name, 24) for name in helped[:3])} helped, beyond changes at random"
    if any(one["finding"] == Finding.BETTER for one in verdicts):
        return "Better than the raw data, but not shown to be better than changes at random"
    return "No gain over the raw data was shown"


def _add_accuracy(presentation: Presentation, record: Mapping[str, Any]) -> Sheet:
    accuracy, conditions = record["parts"][0]["accuracy"], record["conditions"][:MOST_ROWS]
    raw = accuracy[record["conditions"][0]["name"]]["mean"]
    asked = [one for one in record["conditions"] if one["control_of"] is None]
    best = max(asked, key=lambda one: accuracy[one["name"]]["mean"])
    sheet = Sheet(
        presentation, f"Accuracy: {raw:.1%} on raw data, {accuracy[best['name']]['mean']:.1%} on "
        f"{shorten(best['name'], 30)}" if best is not asked[0] else f"Accuracy: {raw:.1%} on raw data",
    )  # fmt: skip
    sheet.text("Accuracy on the evaluation set, mean over seeds", Box(LEFT, TOP, 6, 0.35), Look(14, SOFT))
    series = [Series("accuracy", "accent", [accuracy[one["name"]]["mean"] for one in conditions])]
    add_chart(
        sheet, Box(LEFT, TOP + 0.35, 5.6, 4.75), [one["name"] for one in conditions], series, Style("bars", "0.0%")
    )
    rows = [["condition", "images", "accuracy", f"{LEVEL:.0%} over seeds"]]
    rows += [
        [
            shorten(one["name"], 26), f"{one['training']['images']:,}", f"{100 * accuracy[one['name']]['mean']:.2f}",
            f"{100 * accuracy[one['name']]['low']:.2f} – {100 * accuracy[one['name']]['high']:.2f}",
        ]
        for one in conditions
    ]  # fmt: skip
    left = 6.6
    add_table(sheet, Box(left, TOP + 0.35, RIGHT - left, 4.75), rows, [2.3, 0.9, 1.1, 1.8])
    sheet.notes([f"{name}: {100 * one['mean']:.2f} %" for name, one in accuracy.items()])
    return sheet


def _add_tests(presentation: Presentation, record: Mapping[str, Any]) -> list[Sheet]:
    comparisons = record["parts"][0]["comparisons"]
    sheets = []
    for start in range(0, len(comparisons), MOST_ROWS):
        shown = comparisons[start : start + MOST_ROWS]
        sheet = Sheet(presentation, "Differences, and whether they are more than chance")
        rows = [["condition", "against", "points", "over seeds", "over images", "p, corrected"]]
        rows += [
            [
                shorten(one["first"], 26), shorten(one["second"], 26), f"{100 * one['seeds']['mean']:+.2f}",
                _span(one["seeds"]), _span(one["images"]), tell_p(one["p_holm"]).removeprefix("= "),
            ]
            for one in shown
        ]  # fmt: skip
        add_table(sheet, Box(LEFT, TOP, RIGHT - LEFT, 4.6), rows, [2.6, 2.6, 0.9, 1.6, 1.6, 1.2], 12)
        about = (
            f"Points of accuracy with {LEVEL:.0%} intervals. p: paired t-test over seeds, Holm's correction over all. "
            "A difference counts where p stays below 0.05 and the interval over images leaves out 0."
        )
        sheet.text(about, Box(LEFT, 6.25, RIGHT - LEFT, 0.5), Look(12, SOFT))
        sheet.notes([f"{one['first']} against {one['second']}: {100 * one['seeds']['mean']:+.2f}" for one in shown])
        sheets.append(sheet)
    return sheets


def _span(interval: Mapping[str, float]) -> str:
    return f"{100 * interval['low']:+.2f} – {100 * interval['high']:+.2f}"


def _add_parts(presentation: Presentation, record: Mapping[str, Any]) -> Sheet:
    parts = record["parts"]
    leaked = f"{record['leaked_images']:,} evaluation images are in training, too" if record["leaks"] else ""
    sheet = Sheet(presentation, leaked or "On corrected labels the evaluation comes out like this")
    rows = [["condition", *(f"{part['name']} ({part['images']:,})" for part in parts)]]
    rows += [
        [one["name"], *(f"{100 * part['accuracy'][one['name']]['mean']:.2f}" for part in parts)]
        for one in record["conditions"][:MOST_ROWS]
    ]
    add_table(sheet, Box(LEFT, TOP, RIGHT - LEFT, 3.4), rows, [2.6, *(1.4 for _ in parts)])
    told = record["leaks"][:3] or ["The first column is the evaluation set as it is, by which the findings go."]
    sheet.text(told, Box(LEFT, 5.2, RIGHT - LEFT, 1.5), Look(13, SOFT))
    sheet.notes([f"{part['name']}: {part['about']}" for part in parts] + record["leaks"])
    return sheet


def _add_method(presentation: Presentation, record: Mapping[str, Any]) -> Sheet:
    sheet = Sheet(presentation, "Method")
    steps = [
        "Every condition is trained from random weights with the same settings and seeds. A seed fixes first weights, "
        "order and augmentation; random controls are drawn anew for each.",
        "A control changes as many images of each given class as its condition does, at random: a gain that it has too "
        "is no gain of cleaning.",
        "The evaluation set is never changed. The last epoch's model counts; none is picked by its evaluation.",
        "Shown is a difference whose p over seeds stays below 0.05 after Holm's correction and whose bootstrap "
        f"interval over images ({record['resamples']:,} resamples) leaves out 0. The rule was fixed before the runs.",
        "It holds for this model, this training and images like these evaluation images.",
    ]
    sheet.steps(steps, TOP, 0.95, Look(15, least=10))
    sheet.notes([f"{name}: {value}" for name, value in record["config"].items()] + list(record["environment"]))
    return sheet
