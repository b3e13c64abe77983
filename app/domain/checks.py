"""The checks before a version is frozen, as a list that can be worked off."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.domain.consensus import Rule, State
from app.domain.merge import ConfirmedLeak, LeakSide, MergedSample, Policies
from app.domain.samples import NO_LABEL
from app.domain.taxonomy import Decision


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at before freezing. A blocking one must be mended; any other may be accepted."""

    code: str
    title: str
    blocking: bool
    text: str
    keys: tuple[str, ...]
    more: int = 0
    """Samples that it concerns beside ``keys``, where they were counted and not listed."""

    @property
    def count(self) -> int:
        return len(self.keys) + self.more


REPEATED_IDS = "repeated_ids"
"""The check that says that lists of all splits together are left out."""


def run_checks(
    merged: Sequence[MergedSample],
    *,
    policies: Policies,
    classes: Collection[str],
    class_sizes: Mapping[tuple[str, str], int],
    groups: Mapping[str, Collection[str]],
    open_leaks: Sequence[str] = (),
    more_undecided: int = 0,
    bulk_under_way: int = 0,
    confirmed_leaks: Sequence[ConfirmedLeak] = (),
    missing: Sequence[str] = (),
    repeated_ids: bool = False,
) -> list[Check]:
    """Run all checks; those that find nothing are left out.

    Args:
        class_sizes: samples before cleaning per (split, label).
        groups: keys of the members per duplicate group.
        open_leaks: test images of leak candidates that nobody has judged.
        more_undecided: number of undecided samples that are not in ``merged``.
        bulk_under_way: number of bulk decisions of which some samples are not done yet.
        confirmed_leaks: leaks between splits that people confirmed.
        missing: samples to remove or relabel whose file is gone.
        repeated_ids: whether an id, as lists write it, occurs in two splits.
    """
    checks = [
        _bulk_under_way(bulk_under_way),
        _undecided(merged, more_undecided),
        _conflicts(merged),
        _open_leaks(open_leaks),
        _relabels_without_label(merged),
        _unknown_classes(merged, classes),
        _lost_groups(merged, groups),
        _shrunk_classes(merged, policies.max_class_share, class_sizes),
        _vanished_classes(merged, class_sizes),
        _unlisted_classes(classes, class_sizes),
        _both_sides(merged, confirmed_leaks, policies.leak_side),
        _missing_files(missing),
        _repeated_ids(repeated_ids),
        _policies_that_contradict(policies),
    ]
    return [check for check in checks if check.count]


def _bulk_under_way(count: int) -> Check:
    text = (
        "They are being applied or taken back: a version now would hold a part of each. Wait, or see why one stopped."
    )
    return Check("bulk_under_way", "Bulk decisions under way", True, text, (), count)


def _undecided(merged: Iterable[MergedSample], more: int) -> Check:
    keys = tuple(m.key for m in merged if m.state is State.OPEN)
    return Check("undecided", "Undecided samples", False, "They stay in the dataset as they are.", keys, more)


def _conflicts(merged: Iterable[MergedSample]) -> Check:
    keys = tuple(m.key for m in merged if m.state is State.CONFLICT)
    text = "Reviewers disagree or asked for discussion. Unsettled, they stay in the dataset as they are."
    return Check("open_conflicts", "Open conflicts", False, text, keys)


def _open_leaks(keys: Sequence[str]) -> Check:
    text = "Nobody has confirmed or rejected these candidates. They stay in the dataset."
    return Check("open_leaks", "Leak candidates not looked at", False, text, tuple(keys))


def _relabels_without_label(merged: Iterable[MergedSample]) -> Check:
    keys = tuple(m.key for m in merged if m.decision is Decision.RELABEL and not m.new_label)
    return Check("no_new_label", "Relabels without a new label", True, "Choose the class of each.", keys)


def _unknown_classes(merged: Iterable[MergedSample], classes: Collection[str]) -> Check:
    bad = [m for m in merged if m.decision is Decision.RELABEL and m.new_label and m.new_label not in classes]
    names = ", ".join(sorted({str(m.new_label) for m in bad}))
    text = f"Relabelled to what is no class of this project: {names}. Add the class, or change the answer."
    return Check("unknown_class", "Relabels to an unknown class", True, text, tuple(m.key for m in bad))


def _lost_groups(merged: Iterable[MergedSample], groups: Mapping[str, Collection[str]]) -> Check:
    removed = {m.key for m in merged if m.decision is Decision.REMOVE}
    lost = sorted(key for keys in groups.values() if len(keys) > 1 and removed >= set(keys) for key in set(keys))
    text = "Every flagged member of these groups would go. Keep one, unless the original was never flagged."
    return Check("lost_group", "Duplicate groups that lose all members", False, text, tuple(lost))


def _shrunk_classes(
    merged: Iterable[MergedSample], max_share: float, class_sizes: Mapping[tuple[str, str], int]
) -> Check:
    going: dict[tuple[str, str], list[str]] = defaultdict(list)
    for sample in merged:
        if sample.decision is Decision.REMOVE and sample.given_label != NO_LABEL:
            going[sample.split, sample.given_label].append(sample.key)
    over = {where: keys for where, keys in going.items() if len(keys) > max_share * class_sizes.get(where, 0)}
    named = ", ".join(
        f"{label} in {split} ({len(keys) / max(1, class_sizes.get((split, label), 0)):.0%})"
        for (split, label), keys in sorted(over.items())
    )
    text = f"These lose more than {max_share:.0%} of their images: {named}."
    flat = tuple(sorted(key for keys in over.values() for key in keys))
    return Check("class_share", "Classes that shrink much", False, text, flat)


def _vanished_classes(merged: Sequence[MergedSample], class_sizes: Mapping[tuple[str, str], int]) -> Check:
    """Classes of a split that nothing is left of, also by relabelling."""
    emptied: set[tuple[str, str]] = set()
    for split in {split for split, _ in class_sizes}:
        changes = sizes_by_class(merged, class_sizes, split)
        emptied |= {(split, c.name) for c in changes if c.before and c.after <= 0}
    named = ", ".join(f"{label} in {split}" for split, label in sorted(emptied))
    text = f"No image of these classes would be left: {named}. A model can't learn or be tested on them any more."
    keys = sorted(m.key for m in merged if m.decision is not None and (m.split, m.given_label) in emptied)
    return Check("vanished_class", "Classes that vanish", False, text, tuple(keys))


def _unlisted_classes(classes: Collection[str], class_sizes: Mapping[tuple[str, str], int]) -> Check:
    unlisted = {where: count for where, count in class_sizes.items() if where[1] and where[1] not in classes}
    named = ", ".join(sorted({label for _, label in unlisted}))
    text = f"Their label is no class of this project any more: {named}. Add the class, or relabel them."
    return Check("unlisted_class", "Images of a class that is not listed", False, text, (), sum(unlisted.values()))


def _both_sides(merged: Iterable[MergedSample], leaks: Sequence[ConfirmedLeak], side: LeakSide) -> Check:
    """Leaks of which no image would stay, though the policy takes one side only.

    An image that was confirmed to be the same as either of the two keeps the picture: of three copies two may go.
    """
    removed = {m.key for m in merged if m.decision is Decision.REMOVE}
    copies: dict[str, set[str]] = defaultdict(set)
    for leak in leaks:
        copies[leak.train_image].add(leak.test_image)
        copies[leak.test_image].add(leak.train_image)
    lost = [leak for leak in leaks if copies[leak.train_image] | copies[leak.test_image] <= removed]
    pairs = [] if side is LeakSide.BOTH else lost
    keys = sorted({key for leak in pairs for key in (leak.train_image, leak.test_image)})
    text = "Both images of these confirmed leaks would go: the picture is lost to the dataset. Keep one, or accept it."
    return Check("both_sides", "Leaks that lose both images", False, text, tuple(keys))


def _missing_files(missing: Sequence[str]) -> Check:
    text = (
        "Their files were deleted since they were listed. The lists would name them, and a loader that checks its "
        "lists refuses an id that it does not have. List the folder again, or bring the files back."
    )
    return Check("missing_files", "Images that are gone from the disk", False, text, tuple(missing))


def _repeated_ids(repeated: bool) -> Check:
    text = (
        "The dataset numbers its images anew in each split, so an id alone does not say which image is meant. A list "
        "of all splits together is not written: each split has its own."
    )
    return Check(REPEATED_IDS, "Ids that several splits have", False, text, (), int(repeated))


def _policies_that_contradict(policies: Policies) -> Check:
    problems = []
    if policies.rule is Rule.MAJORITY and policies.min_submitted == 2:
        problems.append("Of two answers that differ none is a majority: ask for three, or let them be unanimous.")
    if policies.overlap_share > 0 and policies.min_submitted > 1:
        problems.append("Every sample needs two answers or more, so the share that two people answer changes nothing.")
    suggested = policies.suggestion_threshold
    if suggested is not None and suggested < policies.mislabel_threshold:
        problems.append(
            f"Suggestions count unseen from {suggested:g} on, but are thought sure only above "
            f"{policies.mislabel_threshold:g}."
        )
    return Check("policies", "Rules that work against each other", False, " ".join(problems), (), len(problems))


@dataclass(frozen=True, slots=True)
class SizeChange:
    """Samples before and after cleaning, in one split or one class."""

    name: str
    before: int
    removed: int
    relabelled_away: int
    relabelled_in: int

    @property
    def after(self) -> int:
        return self.before - self.removed - self.relabelled_away + self.relabelled_in

    @property
    def share_removed(self) -> float:
        return self.removed / self.before if self.before else 0.0


def sizes_by_split(merged: Sequence[MergedSample], class_sizes: Mapping[tuple[str, str], int]) -> list[SizeChange]:
    """Sizes per split. A relabel moves nothing between splits: what goes away comes in again."""
    before: Counter[str] = Counter()
    for (split, _), count in class_sizes.items():
        before[split] += count
    removed = Counter(m.split for m in merged if m.decision is Decision.REMOVE)
    moved = Counter(m.split for m in merged if m.decision is Decision.RELABEL)
    return [SizeChange(s, before[s], removed[s], moved[s], moved[s]) for s in sorted(before)]


def sizes_by_class(
    merged: Sequence[MergedSample], class_sizes: Mapping[tuple[str, str], int], split: str | None = None
) -> list[SizeChange]:
    """Sizes per class, over all splits or in one of them. Samples without a label are of no class."""
    before: Counter[str] = Counter()
    for (where, label), count in class_sizes.items():
        if split in (None, where):
            before[label] += count
    chosen = [m for m in merged if split in (None, m.split)]
    removed = Counter(m.given_label for m in chosen if m.decision is Decision.REMOVE)
    away = Counter(m.given_label for m in chosen if m.decision is Decision.RELABEL)
    into = Counter(m.new_label for m in chosen if m.decision is Decision.RELABEL and m.new_label)
    labels = sorted({*before, *into} - {NO_LABEL})
    return [SizeChange(name, before[name], removed[name], away[name], into[name]) for name in labels]
