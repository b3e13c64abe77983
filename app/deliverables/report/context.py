"""Everything that the report's template shows, worked out before it is rendered."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.deliverables.bulk_figures import BulkRow, list_bulk
from app.deliverables.content import Outcome, VersionContent
from app.deliverables.deliverable import Pictures
from app.deliverables.examples import HOW_CHOSEN, choose_examples
from app.deliverables.figures import OUTCOME_WORDS, OUTCOMES, SETTLED_BY, Figures, issues_of, surest
from app.deliverables.leak_figures import VERDICTS, LeakFigures, surety, verdict_of, words_of
from app.deliverables.report import bar_plots, class_plots, flow_plot, leak_plots
from app.deliverables.words import TERMS, agreement_text, method_of, next_steps, policies_of, tag_meanings
from app.domain.checks import SizeChange

SIDE, EACH = 240, 6
"""Pixels of an example picture, and examples of each finding."""

MOST_ROWS, MOST_CONFLICTS, MOST_CLASSES, MOST_KAPPAS = 50, 40, 1000, 15
"""A table is a look, not the file: whole lists are in the other deliverables."""


@dataclass(frozen=True, slots=True)
class Example:
    """One picture with what was found; ``image`` is a data URI, or None where it can't be read any more."""

    key: str
    image: str | None
    given_label: str
    new_label: str | None
    notes: tuple[str, ...]
    explanation: str


@dataclass(frozen=True, slots=True)
class LeakExample:
    """A pair side by side."""

    train: Example
    test: Example
    caption: str


@dataclass(frozen=True, slots=True)
class Gallery:
    title: str
    about: str
    examples: Sequence[Example]


@dataclass(frozen=True, slots=True)
class Plots:
    """Each an ``<svg>``, or None where there is nothing to plot."""

    flow: Markup | None
    issues: Markup | None
    precision: Markup | None
    splits: Markup | None
    classes: Markup | None
    shares: Markup | None
    relabels: Markup | None
    leak_kinds: Markup | None
    leak_scores: Markup | None


@dataclass(frozen=True)
class Report:
    """What the template gets. Figures and leaks count when they are asked."""

    content: VersionContent
    figures: Figures
    leaks: LeakFigures
    plots: Plots
    galleries: Sequence[Gallery]
    leak_examples: Sequence[LeakExample]
    bulk: Sequence[BulkRow]

    outcomes = OUTCOMES
    outcome_words = OUTCOME_WORDS
    settlers = SETTLED_BY
    verdicts = VERDICTS
    terms = TERMS
    tag_meanings = tag_meanings()
    how_chosen = HOW_CHOSEN
    most_rows, most_conflicts, most_classes = MOST_ROWS, MOST_CONFLICTS, MOST_CLASSES

    @property
    def method(self) -> list[str]:
        return method_of(self.content, self.figures, self.leaks)

    @property
    def policies(self) -> list[tuple[str, str]]:
        return policies_of(self.content)

    @property
    def agreement(self) -> str:
        return agreement_text(self.content)

    @property
    def kappas(self) -> list[tuple[str, str, float]]:
        """By name; of more than fit beside the other tables those who agree least."""
        agreement = self.content.agreement
        found = [(a, b, kappa) for (a, b), kappa in sorted(agreement.kappas.items())] if agreement else []
        return found if len(found) <= MOST_KAPPAS else sorted(found, key=lambda pair: (pair[2], pair))[:MOST_KAPPAS]

    @property
    def has_more_kappas(self) -> bool:
        agreement = self.content.agreement
        return agreement is not None and len(agreement.kappas) > MOST_KAPPAS

    @property
    def next_steps(self) -> list[str]:
        return next_steps(self.content, self.figures, self.leaks)

    @property
    def sizes(self) -> list[SizeChange]:
        return [*self.content.by_split, self.figures.total]

    @property
    def flow_rows(self) -> list[tuple[str, str, dict[str, int]]]:
        """(issue type, settled by, samples by outcome), in the order of the plot."""
        flow = self.figures.flow
        rows = [
            (issue, by, {name: flow[issue, by, name] for name in OUTCOMES})
            for issue in self.figures.by_issue
            for by in SETTLED_BY
        ]
        return [row for row in rows if any(row[2].values())]


def make_report(content: VersionContent, pictures: Pictures) -> Report:
    figures, leaks = Figures(content), LeakFigures(content)
    chosen = choose_examples(content, leaks, EACH)
    rows = (
        ("Removed", "Outliers, duplicates and wrong images that leave the dataset.", chosen.removed),
        ("Relabelled", "The given label, and the one that people put in its place.", chosen.relabelled),
        ("Low quality", "Removed as blurred, damaged or otherwise unusable.", chosen.low_quality),
        ("Kept although flagged", "Where the detector was surest and people disagreed.", chosen.kept),
    )
    return Report(
        content, figures, leaks, _plots(figures, leaks),
        [Gallery(t, about, [_example(o, pictures) for o in found]) for t, about, found in rows if found],
        [_leak_example(row, pictures) for row in chosen.leaks],
        list_bulk(content),
    )  # fmt: skip


def _plots(figures: Figures, leaks: LeakFigures) -> Plots:
    # What matplotlib writes is markup of our own: names in it are escaped there.
    def drawn(wanted: object, plot: Callable[[], str]) -> Markup | None:
        return Markup(plot()) if wanted else None  # noqa: S704

    return Plots(
        flow=drawn(figures.flagged, lambda: flow_plot.plot_flow(figures)),
        issues=drawn(figures.by_issue, lambda: bar_plots.plot_issues(figures)),
        precision=drawn(any(p.decided for p in figures.precision), lambda: bar_plots.plot_precision(figures)),
        splits=drawn(figures.total.removed or figures.total.relabelled_away, lambda: bar_plots.plot_splits(figures)),
        classes=drawn(figures.changed_classes, lambda: class_plots.plot_classes(figures)),
        shares=drawn(figures.total.removed, lambda: class_plots.plot_shares(figures)),
        relabels=drawn(figures.relabels, lambda: class_plots.plot_relabels(figures)),
        leak_kinds=drawn(leaks.pairs, lambda: leak_plots.plot_leak_kinds(leaks)),
        leak_scores=drawn(leaks.pairs, lambda: leak_plots.plot_scores(leaks)),
    )


def _example(outcome: Outcome, pictures: Pictures) -> Example:
    confidence = surest(outcome)
    notes = [", ".join(issues_of(outcome)) + (f" {confidence:.2f}" if confidence >= 0 else "")]
    notes += [tag.replace("_", " ") for tag in outcome["tags"] if tag not in OUTCOMES][:2]
    return Example(
        outcome["key"], picture_uri(pictures, outcome["key"]), outcome["given_label"], outcome["new_label"],
        tuple(notes), outcome["explanation"],
    )  # fmt: skip


def _leak_example(row: Mapping[str, Any], pictures: Pictures) -> LeakExample:
    train, test = (_side(row, side, pictures) for side in ("train", "test"))
    change = words_of(row.get("transform") or row["leak_type"])
    return LeakExample(train, test, f"{change}, score {int(surety(row) * 100) / 100:.2f}, {verdict_of(row)}")


def _side(row: Mapping[str, Any], side: str, pictures: Pictures) -> Example:
    key = row[f"{side}_image"]
    split = row.get(f"{side}_split") or side
    return Example(key, picture_uri(pictures, key), row[f"{side}_label"] or "", None, (split,), "")


def picture_uri(pictures: Pictures, key: str) -> str | None:
    data = pictures.jpeg(key, SIDE)
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}" if data else None
