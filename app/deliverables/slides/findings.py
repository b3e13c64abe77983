"""What was found: the outcome over all, the issues by type, the leaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.deliverables.figures import OUTCOME_WORDS, OUTCOMES, SETTLED_BY
from app.deliverables.leak_figures import VERDICTS
from app.deliverables.slides.charts import Series, Style, add_chart, add_table
from app.deliverables.slides.sheet import LEFT, RIGHT, SOFT, TOP, Box, Look, Sheet
from app.deliverables.slides.story import Story, percent
from app.deliverables.words import counted

if TYPE_CHECKING:
    from pptx.presentation import Presentation

_HALF = 6.0
_VERDICT_WORDS = {"confirmed": "confirmed", "rejected": "rejected", "open": "not looked at"}


def add_result(presentation: Presentation, story: Story) -> Sheet:
    figures, n = story.figures, story.figures.outcomes
    total = figures.total
    title = f"{total.removed:,} of {total.before:,} samples are removed, {total.relabelled_away:,} get another label"
    sheet = Sheet(presentation, title)
    if not figures.flagged:
        sheet.text(
            "No sample was flagged, and no leak was confirmed: the dataset stays as it is.", _middle(), Look(20, SOFT)
        )
        sheet.notes([f"{total.before:,} samples, none flagged."])
        return sheet
    rows = [by for by in SETTLED_BY if any(key[1] == by for key in figures.flow)]
    counts = {
        (by, o): sum(c for (_, b, r), c in figures.flow.items() if (b, r) == (by, o)) for by in rows for o in OUTCOMES
    }
    sheet.text("Samples by who settled them", Box(LEFT, TOP, 8, 0.35), Look(14, SOFT))
    shown = [name for name in OUTCOMES if n[name]]
    series = [Series(OUTCOME_WORDS[o], o, [counts[by, o] for by in rows]) for o in shown]
    add_chart(sheet, Box(LEFT, TOP + 0.35, 8.1, 4.7), rows, series, Style())
    heads = (
        (f"{figures.flagged:,}", "samples flagged or leaking"), (f"{figures.reviewed:,}", "reviewed by people"),
        (f"{n['keep']:,}", "kept although flagged"), (f"{n['open'] + n['conflict']:,}", "not settled"),
    )  # fmt: skip
    for place, (number, words) in enumerate(heads):
        sheet.figure(number, words, Box(9.4, TOP + 0.1 + place * 1.22, 3.2, 1.1))
    sheet.notes([f"{by}: " + _listed({o: counts[by, o] for o in shown}) for by in rows])
    return sheet


def _middle() -> Box:
    return Box(LEFT, 3.0, RIGHT - LEFT, 1.6)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {OUTCOME_WORDS[name]}" for name, count in counts.items())


def add_issues(presentation: Presentation, story: Story) -> Sheet:
    figures = story.figures
    judged = [p for p in figures.precision if p.decided]
    right, decided = sum(p.right for p in judged), sum(p.decided for p in judged)
    title = f"{percent(right / decided)} of the judged flags were right" if decided else "Issues by type"
    sheet = Sheet(presentation, title)
    if not figures.by_issue:
        sheet.text("There are no flags: no detector's output was imported.", _middle(), Look(20, SOFT))
        sheet.notes(["No flags."])
        return sheet
    issues = list(figures.by_issue)
    shown = [name for name in OUTCOMES if any(figures.by_issue[issue][name] for issue in issues)]
    series = [Series(OUTCOME_WORDS[o], o, [figures.by_issue[issue][o] for issue in issues]) for o in shown]
    sheet.text("Samples by issue type and outcome", Box(LEFT, TOP, _HALF, 0.35), Look(14, SOFT))
    add_chart(sheet, Box(LEFT, TOP + 0.35, 6.4, 4.7), issues, series, Style())
    left = 7.5
    sheet.text("How often the flags were right", Box(left, TOP, 5.1, 0.35), Look(14, SOFT))
    rows = [["issue type", "right", "judged", "share", "95 % interval"]]
    for p in figures.precision:
        share = [percent(p.share), f"{p.low:.0%} – {p.high:.0%}"] if p.decided else ["–", "–"]
        rows.append([str(p.issue_type), f"{p.right:,}", f"{p.decided:,}", *share])
    if len(rows) > 1:
        add_table(sheet, Box(left, TOP + 0.45, RIGHT - left, 3.2), rows, [1.3, 0.75, 0.95, 0.9, 1.7])
    else:
        sheet.text("No detector flagged anything: all come from the leak search.", Box(left, TOP + 0.5, 5, 1), Look(14))
    about = (
        "A mislabel flag is right where the sample got another label or was removed, any other where it was removed. "
        "What was settled unseen is left out."
    )
    sheet.text(about, Box(left, TOP + 0.65 + 0.42 * len(rows), RIGHT - left, 0.9), Look(12, SOFT))
    sheet.notes([f"{issue}: {_listed(counts)}" for issue, counts in figures.by_issue.items()])
    return sheet


def add_leaks(presentation: Presentation, story: Story) -> Sheet:
    leaks = story.leaks
    if not leaks.pairs:
        return _no_leaks(presentation, story)
    found = leaks.by_verdict
    sheet = Sheet(
        presentation, f"{found['confirmed']:,} of {counted(len(leaks.pairs), 'candidate pair')} are confirmed leaks"
    )
    shown = [verdict for verdict in VERDICTS if found[verdict]]
    tables = leaks.tables
    kinds = tables[-1]
    sheet.text(f"Pairs by {kinds.title}", Box(LEFT, TOP, _HALF, 0.35), Look(14, SOFT))
    series = [Series(_VERDICT_WORDS[v], v, [counts[v] for counts in kinds.rows.values()]) for v in shown]
    add_chart(sheet, Box(LEFT, TOP + 0.35, 5.7, 4.7), list(kinds.rows), series, Style())
    left = 6.9
    sheet.text("Pairs by score: how surely both are the same shot", Box(left, TOP, 5.7, 0.35), Look(14, SOFT))
    couples = list(zip(leaks.scores[::2], leaks.scores[1::2], strict=True))  # half as many columns as in the report
    bins = [f"{first[0]:.2f}" for first, _ in couples]
    columns = [Series(_VERDICT_WORDS[v], v, [one[2][v] + two[2][v] for one, two in couples]) for v in shown]
    add_chart(
        sheet, Box(left, TOP + 0.35, RIGHT - left, 2.75), bins, columns, Style("columns", axis=True, labels=False)
    )
    rows = [["found by", *(_VERDICT_WORDS[v] for v in shown)]]
    rows += [[name, *(f"{counts[v]:,}" for v in shown)] for name, counts in tables[0].rows.items()]
    add_table(sheet, Box(left, 4.85, RIGHT - left, 1.4), rows, [1.6, *(1.2 for _ in shown)])
    text = f"In {counted(leaks.label_conflicts, 'pair')} the two images carry different labels."
    sheet.text(text, Box(left, 6.38, RIGHT - left, 0.35), Look(13, SOFT))
    lines = [f"by {t.title}, {name}: " + ", ".join(f"{counts[v]:,} {_VERDICT_WORDS[v]}" for v in VERDICTS)
             for t in tables for name, counts in t.rows.items()]  # fmt: skip
    sheet.notes(lines)
    return sheet


def _no_leaks(presentation: Presentation, story: Story) -> Sheet:
    runs = story.leaks.runs
    title = "No leaks were found" if runs else "Leaks were not searched for"
    sheet = Sheet(presentation, title)
    if runs:
        images = max(run["counts"].get("images", 0) for run in runs)
        methods = ", ".join(sorted({m for run in runs for m in run["params"].get("methods", ())}))
        text = f"{counted(images, 'image')} were searched ({methods}). No image of one split turned up in another."
    else:
        text = (
            "Nothing is known of images that stand in two splits. A search takes minutes and finds edited copies too."
        )
    sheet.text(text, _middle(), Look(22, SOFT))
    sheet.notes([text])
    return sheet
