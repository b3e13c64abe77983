"""The comparison with the truth: a perfect outcome passes, and every single fault is reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from app.demo.build import DemoDataset
from app.demo.check import CheckReport, compare_with_truth, format_report
from app.demo.truth import Truth


@dataclass
class Outcome:
    """What a clean-up would hand over; tests break one thing in it."""

    truth: Truth
    leak_pairs: list[tuple[str, str, str]] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    removal_ids: set[str] = field(default_factory=set)
    relabel_map: dict[str, str] = field(default_factory=dict)
    flagged: set[str] = field(default_factory=set)

    def compared(self) -> CheckReport:
        return compare_with_truth(
            self.truth,
            leak_pairs=self.leak_pairs,
            unreadable=self.unreadable,
            removal_ids=self.removal_ids,
            relabel_map=self.relabel_map,
            flagged=self.flagged,
        )


METHODS = {
    "copied": ("exact", "perceptual", "verified"),
    "pixel_identical": ("exact", "perceptual", "verified"),
    "reencoded": ("perceptual", "verified"),
    "mirrored": ("verified",),
    "cropped": ("verified",),
}


@pytest.fixture
def outcome(demo: DemoDataset) -> Outcome:
    """The outcome of reviewers who are always right, and of a leak run that finds everything."""
    truth = demo.truth
    made = Outcome(truth, unreadable=dict.fromkeys(truth.corrupt, "broken"), flagged=set(truth.answers))
    for key, (decision, label, _) in truth.answers.items():
        if decision == "remove":
            made.removal_ids.add(key)
        elif label is not None:
            made.relabel_map[key] = label
    for leak in truth.leaks:
        for method in METHODS.get(leak.kind, ()):
            made.leak_pairs.append((leak.train_key, leak.test_key, method))
            made.removal_ids.add(leak.test_key)
    return made


def leak_of(outcome: Outcome, kind: str) -> tuple[str, str]:
    leak = next(leak for leak in outcome.truth.leaks if leak.kind == kind)
    return leak.train_key, leak.test_key


def flagged_group(outcome: Outcome, any_may_stay: bool) -> tuple[list[str], str]:
    group = next(
        g for g in outcome.truth.duplicates if g.any_may_stay == any_may_stay and set(g.keys) <= outcome.flagged
    )
    return list(group.keys), group.keeper


def answered(outcome: Outcome, tag: str) -> str:
    leaked = {leak.test_key for leak in outcome.truth.leaks}
    alone = set(outcome.truth.answers) - leaked - {key for group in outcome.truth.duplicates for key in group.keys}
    return next(key for key in sorted(alone) if outcome.truth.answers[key][2] == tag)


def lose_leak(kind: str, method: str) -> Callable[[Outcome], None]:
    return lambda outcome: outcome.leak_pairs.remove((*leak_of(outcome, kind), method))


def keep_a_leak(outcome: Outcome) -> None:
    outcome.removal_ids.remove(leak_of(outcome, "copied")[1])


def keep_a_duplicate(outcome: Outcome) -> None:
    keys, keeper = flagged_group(outcome, True)
    outcome.removal_ids.remove(next(key for key in keys if key != keeper))


def lose_a_group(outcome: Outcome) -> None:
    outcome.removal_ids.update(flagged_group(outcome, True)[0])


def keep_the_worse_copy(outcome: Outcome) -> None:
    keys, keeper = flagged_group(outcome, False)
    outcome.removal_ids -= set(keys)
    outcome.removal_ids.add(keeper)


BREAKS: dict[str, tuple[Callable[[Outcome], object], str]] = {
    "flag lost": (lambda o: o.flagged.pop(), "flags imported"),
    "flag invented": (lambda o: o.flagged.add("train/fish/9999.jpg"), "flags imported"),
    "corrupt file unnoticed": (lambda o: o.unreadable.popitem(), "corrupt files reported"),
    "good file called corrupt": (lambda o: o.unreadable.update(x="odd"), "corrupt files reported"),
    "copied leak missed": (lose_leak("copied", "exact"), "leaks, copied"),
    "pixel-identical leak missed": (lose_leak("pixel_identical", "exact"), "leaks, pixel-identical"),
    "re-encoded leak missed": (lose_leak("reencoded", "perceptual"), "leaks, reencoded"),
    "mirrored leak missed": (lose_leak("mirrored", "verified"), "leaks, mirrored"),
    "cropped leak missed": (lose_leak("cropped", "verified"), "leaks, cropped"),
    "verified pair invented": (lambda o: o.leak_pairs.append(("a", "b", "verified")), "pairs not planted, verified"),
    "exact pair invented": (lambda o: o.leak_pairs.append(("a", "b", "exact")), "pairs not planted, exact"),
    "perceptual pair invented": (
        lambda o: o.leak_pairs.append(("b", "a", "perceptual")),
        "pairs not planted, perceptual",
    ),
    "mislabel forgotten": (lambda o: o.relabel_map.popitem(), "mislabels relabelled"),
    "wrong new label": (
        lambda o: o.relabel_map.update({next(iter(o.relabel_map)): "teapot"}),
        "mislabels relabelled",
    ),
    "relabelled for nothing": (lambda o: o.relabel_map.update(x="fish"), "mislabels relabelled"),
    "duplicate kept": (keep_a_duplicate, "duplicate groups, one kept"),
    "whole group removed": (lose_a_group, "duplicate groups, one kept"),
    "worse copy kept": (keep_the_worse_copy, "duplicate groups, one kept"),
    "outlier kept": (
        lambda o: o.removal_ids.remove(answered(o, "outlier_invalid")),
        "outliers, blur and corrupt files removed",
    ),
    "leak kept in test": (keep_a_leak, "test sides of found leaks removed"),
    "good image removed": (lambda o: o.removal_ids.add(answered(o, "keep")), "removed without a reason"),
}


def test_a_perfect_outcome_passes(outcome: Outcome) -> None:
    report = outcome.compared()
    assert report.ok, format_report(report)
    assert report.row("leaks, copied").found == 8
    assert "exact 8" in report.row("leaks, copied").note


def test_either_of_two_equal_copies_may_stay(outcome: Outcome) -> None:
    keys, keeper = flagged_group(outcome, True)
    outcome.removal_ids -= set(keys)
    outcome.removal_ids.update(set(keys) - {next(key for key in keys if key != keeper)})
    assert outcome.compared().ok


def test_pairs_within_a_duplicate_group_and_semantic_likeness_are_no_fault(outcome: Outcome) -> None:
    keys, _ = flagged_group(outcome, True)
    outcome.leak_pairs += [(keys[0], keys[1], "exact"), ("train/a", "test/b", "semantic")]
    report = outcome.compared()
    assert report.ok
    assert report.row("pairs not planted, semantic").wrong == ("test/b = train/a",)


@pytest.mark.parametrize("name", BREAKS)
def test_each_fault_is_reported_in_its_row_and_no_other(outcome: Outcome, name: str) -> None:
    breaking, what = BREAKS[name]
    breaking(outcome)
    report = outcome.compared()
    assert not report.ok
    assert [row.what for row in report.rows if not row.ok] == [what]


def test_the_table_is_aligned_and_names_what_went_wrong(outcome: Outcome) -> None:
    assert format_report(outcome.compared()).endswith("Everything that was to be found was found.\n")
    outcome.relabel_map["train/fish/9999.jpg"] = "tree"
    text = format_report(outcome.compared())
    head, rule, first, *_ = text.splitlines()
    assert head.index("planted") + len("planted") == head.index("found") - 2
    assert set(rule) == {"-"}
    assert first.startswith("flags imported ")
    assert "FAILED" in text
    assert "mislabels relabelled, wrong: train/fish/9999.jpg" in text
