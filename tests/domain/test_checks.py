"""The checks before a version, and the sizes that they and the summary go by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pytest

from app.domain.checks import Check, SizeChange, run_checks, sizes_by_class, sizes_by_split
from app.domain.consensus import How, Rule, State
from app.domain.merge import ConfirmedLeak, LeakSide, MergedSample, MergeRule, Policies
from app.domain.taxonomy import Decision

KEEP, REMOVE, RELABEL = Decision.KEEP, Decision.REMOVE, Decision.RELABEL
SIZES = {("train", "cat"): 10, ("train", "dog"): 20, ("test", "cat"): 5}


def sample(
    key: str, decision: Decision | None, new_label: str | None = None, state: State = State.RESOLVED
) -> MergedSample:
    split, label, _ = key.split("/")
    return MergedSample(
        key, split, label, state, decision, new_label, (), How.SOLE, ("alice",), MergeRule.CONSENSUS, "", ()
    )


def checked(
    merged: Sequence[MergedSample],
    *,
    groups: Mapping[str, Collection[str]] | None = None,
    sizes: Mapping[tuple[str, str], int] = SIZES,
    share: float = 0.1,
    open_leaks: Sequence[str] = (),
    policies: Policies | None = None,
    classes: Collection[str] = ("cat", "dog"),
    leaks: Sequence[ConfirmedLeak] = (),
    missing: Sequence[str] = (),
) -> list[Check]:
    return run_checks(
        merged,
        policies=policies or Policies(max_class_share=share),
        classes=classes,
        confirmed_leaks=leaks,
        missing=missing,
        class_sizes=sizes,
        groups=groups or {},
        open_leaks=open_leaks,
    )


def codes(checks: Sequence[Check]) -> dict[str, tuple[str, ...]]:
    return {check.code: check.keys for check in checks}


def test_a_finished_project_passes() -> None:
    merged = [sample("train/cat/1", KEEP), sample("train/cat/2", REMOVE), sample("train/cat/3", RELABEL, "dog")]
    assert checked(merged) == []


FOUND = {
    "undecided": (sample("train/cat/1", None, state=State.OPEN), "undecided", False),
    "conflict": (sample("train/cat/1", None, state=State.CONFLICT), "open_conflicts", False),
    "relabel without label": (sample("train/cat/1", RELABEL), "no_new_label", True),
    "unknown class": (sample("train/cat/1", RELABEL, "fish"), "unknown_class", True),
}


@pytest.mark.parametrize(("merged", "code", "blocking"), FOUND.values(), ids=FOUND)
def test_a_check_names_the_sample(merged: MergedSample, code: str, blocking: bool) -> None:
    (check,) = checked([merged, sample("train/dog/2", KEEP)])
    assert (check.code, check.keys, check.count, check.blocking) == (code, ("train/cat/1",), 1, blocking)
    assert check.title
    assert check.text


def test_an_unknown_class_is_named() -> None:
    (check,) = checked([sample("train/cat/1", RELABEL, "fish"), sample("train/cat/2", RELABEL, "axolotl")])
    assert "axolotl, fish" in check.text


def test_leak_candidates_that_nobody_judged_are_told() -> None:
    assert codes(checked([], open_leaks=["test/cat/1"])) == {"open_leaks": ("test/cat/1",)}


GONE = [sample("train/dog/1", REMOVE), sample("train/dog/2", REMOVE)]


def test_a_duplicate_group_that_would_lose_all_members_is_told() -> None:
    found = checked(GONE, groups={"g": ["train/dog/1", "train/dog/2"]})
    assert codes(found) == {"lost_group": ("train/dog/1", "train/dog/2")}


@pytest.mark.parametrize("members", [["train/dog/1", "train/dog/2", "train/dog/3"], ["train/dog/1"], []])
def test_a_group_that_keeps_one_or_is_none_passes(members: list[str]) -> None:
    assert checked([*GONE, sample("train/dog/3", KEEP)], groups={"g": members}) == []


def test_a_class_may_lose_just_the_share_that_is_set() -> None:
    assert checked([sample("train/cat/1", REMOVE)]) == []
    (check,) = checked([sample("train/cat/1", REMOVE), sample("train/cat/2", REMOVE)])
    assert (check.code, check.blocking) == ("class_share", False)
    assert "more than 10%" in check.text
    assert "cat in train (20%)" in check.text


def test_each_split_of_a_class_counts_by_itself() -> None:
    assert codes(checked([sample("test/cat/1", REMOVE)])) == {"class_share": ("test/cat/1",)}


def test_relabels_do_not_count_as_lost() -> None:
    assert checked([sample("test/cat/1", RELABEL, "dog"), sample("test/cat/2", RELABEL, "dog")]) == []


def test_a_class_that_is_not_counted_anywhere_is_told_without_a_crash() -> None:
    assert codes(checked([sample("train/cat/1", REMOVE)], sizes={})) == {"class_share": ("train/cat/1",)}


MERGED = [
    sample("train/cat/1", REMOVE),
    sample("train/cat/2", RELABEL, "dog"),
    sample("train/dog/3", RELABEL, "cat"),
    sample("train/cat/4", RELABEL, "dog"),
    sample("test/cat/5", REMOVE),
    sample("test/cat/6", KEEP),
    sample("test/cat/7", None, state=State.OPEN),
]


def test_sizes_by_split() -> None:
    assert sizes_by_split(MERGED, SIZES) == [SizeChange("test", 5, 1, 0, 0), SizeChange("train", 30, 1, 3, 3)]
    assert [change.after for change in sizes_by_split(MERGED, SIZES)] == [4, 29]


def test_sizes_by_class() -> None:
    assert sizes_by_class(MERGED, SIZES) == [SizeChange("cat", 15, 2, 2, 1), SizeChange("dog", 20, 0, 1, 2)]
    assert sizes_by_class(MERGED, SIZES, "test") == [SizeChange("cat", 5, 1, 0, 0)]


def test_sizes_by_class_and_by_split_add_up_to_the_same() -> None:
    by_class, by_split = sizes_by_class(MERGED, SIZES), sizes_by_split(MERGED, SIZES)
    for name in ("before", "removed", "relabelled_away", "relabelled_in", "after"):
        assert sum(getattr(c, name) for c in by_class) == sum(getattr(s, name) for s in by_split)


def test_a_relabel_without_a_label_makes_no_class_of_that_name() -> None:
    names = [change.name for change in sizes_by_class([sample("train/cat/1", RELABEL)], SIZES)]
    assert names == ["cat", "dog"]


def test_the_share_of_an_empty_class_is_zero() -> None:
    assert SizeChange("cat", 0, 0, 0, 0).share_removed == 0.0
    assert SizeChange("cat", 8, 2, 0, 0).share_removed == 0.25


def test_a_leak_of_which_no_image_would_stay_is_shown_unless_that_is_the_rule() -> None:
    both = [sample("train/cat/1", REMOVE), sample("test/cat/1", REMOVE)]
    leak = ConfirmedLeak("train/cat/1", "test/cat/1", "carol")
    found = codes(checked(both, share=1.0, leaks=[leak]))
    assert found == {"both_sides": ("test/cat/1", "train/cat/1")}
    assert codes(checked(both, leaks=[leak], policies=Policies(leak_side=LeakSide.BOTH, max_class_share=1.0))) == {}
    assert codes(checked(both[1:], share=1.0, leaks=[leak])) == {}


def test_a_class_of_which_nothing_would_be_left_is_shown_by_split() -> None:
    gone = [sample(f"test/cat/{i}", REMOVE) for i in range(4)] + [sample("test/cat/5", RELABEL, "dog")]
    (check,) = [c for c in checked(gone, share=1.0) if c.code == "vanished_class"]
    assert check.count == 5
    assert "cat in test" in check.text
    refilled = [*gone[:4], sample("test/dog/1", RELABEL, "cat"), sample("test/cat/5", REMOVE)]
    sizes = {**SIZES, ("test", "dog"): 2}
    assert "vanished_class" not in codes(checked(refilled, share=1.0, sizes=sizes))


def test_images_whose_class_is_listed_no_more_are_counted() -> None:
    (check,) = checked([sample("train/cat/1", KEEP)], classes=("cat",))
    assert (check.code, check.count, "dog" in check.text) == ("unlisted_class", 20, True)


def test_images_that_are_gone_from_the_disk_are_named() -> None:
    assert codes(checked([sample("train/cat/1", KEEP)], missing=["train/cat/1"])) == {"missing_files": ("train/cat/1",)}


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        (Policies(min_submitted=2, rule=Rule.MAJORITY), "none is a majority"),
        (Policies(min_submitted=2, overlap_share=0.1), "changes nothing"),
        (Policies(suggestion_threshold=0.5), "count unseen from 0.5"),
    ],
)
def test_rules_that_work_against_each_other_are_shown(policies: Policies, said: str) -> None:
    (check,) = checked([sample("train/cat/1", KEEP)], policies=policies)
    assert (check.code, check.blocking, check.count) == ("policies", False, 1)
    assert said in check.text
