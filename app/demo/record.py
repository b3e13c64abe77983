"""Writes down the truth of a plan: what is planted under which key, and the right answer to each flag."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from app.demo.oddities import FOREIGN
from app.demo.plan import CORRUPT, DERIVED, LEAK_KINDS, Picture, Treatment
from app.demo.truth import DuplicateGroup, PlantedLeak, RightAnswer, Truth


def duplicate_groups(plan: Sequence[Picture]) -> tuple[DuplicateGroup, ...]:
    """Pictures of train that were made from one another."""
    members: dict[int, list[Picture]] = defaultdict(list)
    for picture in plan:
        if picture.split == "train" and picture.source is not None:
            members[picture.source].append(picture)
    groups = [_group(plan[source], copies) for source, copies in members.items()]
    groups.sort(key=lambda group: group[1])
    return tuple(
        DuplicateGroup(f"dup-{number:03d}", kind, keys, keeper)
        for number, (kind, keys, keeper) in enumerate(groups, start=1)
    )


def _group(source: Picture, copies: list[Picture]) -> tuple[str, tuple[str, ...], str]:
    keys = tuple(sorted([source.key, *(copy.key for copy in copies)]))
    if copies[0].treatment is Treatment.EDIT:
        return "near", keys, source.key
    return "exact", keys, min(p.key for p in [source, *copies] if p.folder == p.label)


def outlier_kind(picture: Picture) -> str:
    return "outlier_invalid" if picture.style in FOREIGN else "outlier_valid"


def record_truth(plan: Sequence[Picture], seed: int, flags: Mapping[str, Iterable[str]]) -> Truth:
    """``flags`` names the issue types of each flagged key."""
    groups = duplicate_groups(plan)
    by_key = {picture.key: picture for picture in plan}
    doubles = {key: group for group in groups for key in group.keys}
    answers = {key: _answer(by_key[key], set(types), doubles.get(key)) for key, types in sorted(flags.items())}
    return Truth(
        seed=seed,
        images=len(plan),
        mislabels={p.key: p.label for p in plan if is_mislabelled(p)},
        outliers={p.key: outlier_kind(p) for p in plan if p.treatment is Treatment.ODDITY},
        duplicates=groups,
        blurred=_keys(p for p in plan if p.treatment in {Treatment.BLUR, Treatment.SOFTEN}),
        corrupt=_keys(p for p in plan if p.treatment in CORRUPT),
        leaks=_leaks(plan),
        answers=answers,
    )


def is_mislabelled(picture: Picture) -> bool:
    """Filed under another class, and not merely a copy of something."""
    return picture.folder != picture.label and picture.treatment not in DERIVED


def _keys(pictures: Iterable[Picture]) -> tuple[str, ...]:
    return tuple(sorted(picture.key for picture in pictures))


def _leaks(plan: Sequence[Picture]) -> tuple[PlantedLeak, ...]:
    found = [
        PlantedLeak(plan[picture.source].key, picture.key, LEAK_KINDS[picture.treatment])
        for picture in plan
        if picture.split == "test" and picture.source is not None
    ]
    return tuple(sorted(found, key=lambda leak: (leak.kind, leak.train_key)))


def _answer(picture: Picture, flagged_as: set[str], group: DuplicateGroup | None) -> RightAnswer:
    if picture.treatment in CORRUPT:
        return "remove", None, "low_quality_corrupt"
    if picture.treatment is Treatment.BLUR:
        return "remove", None, "low_quality_blur"
    if picture.treatment is Treatment.SOFTEN:
        return "keep", None, "low_quality_blur"
    if picture.treatment is Treatment.ODDITY:
        kind = outlier_kind(picture)
        return ("remove" if kind == "outlier_invalid" else "keep"), None, kind
    if group is not None and picture.key != group.keeper:
        return "remove", None, f"duplicate_{group.kind}"
    if is_mislabelled(picture):
        return "relabel", picture.label, "mislabel_confirmed"
    return "keep", None, "outlier_valid" if flagged_as == {"outlier"} else "keep"
