"""What models are trained on: the data as it was given, cleaned in several ways, and changed at random as a control.

A comparison of raw with cleaned data alone proves little. A smaller training set, other shares of classes, or fewer
hard images change a model too. So each way of cleaning has controls: as many samples of the same given classes, chosen
at random, removed or relabelled (Northcutt, Athalye and Mueller 2021 compare with random removal in the same way).
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.domain.errors import InvalidInput

RAW = "raw"
"""The name of the condition that all others are compared with."""


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """The training split as it was given: ``labels[i]`` is the given label of ``ids[i]``; labels are of ``classes``."""

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    classes: tuple[str, ...]

    def by_id(self) -> dict[str, str]:
        return dict(zip(self.ids, self.labels, strict=True))

    def ids_of_class(self) -> dict[str, list[str]]:
        """The ids of each class, in the set's order."""
        found: dict[str, list[str]] = {name: [] for name in self.classes}
        for id_, label in zip(self.ids, self.labels, strict=True):
            found[label].append(id_)
        return found


class ConditionKind(StrEnum):
    """How a condition comes about; the last two are drawn anew for each seed."""

    AS_GIVEN = "as_given"
    LISTS = "lists"
    RANDOM_REMOVAL = "random_removal"
    RANDOM_RELABEL = "random_relabel"


@dataclass(frozen=True, slots=True)
class Lists:
    """What is done to a training set: ids that go, and new labels (names of classes) of ids that stay."""

    removed: frozenset[str] = frozenset()
    relabelled: Mapping[str, str] = field(default_factory=dict)

    @property
    def touched(self) -> frozenset[str]:
        return self.removed | self.relabelled.keys()


@dataclass(frozen=True, slots=True)
class Condition:
    """One way to train. ``lists`` are its own, or for a control those of ``control_of``, the condition that it is like.

    ``about`` is a sentence for the report. ``share`` is the share of wrong labels that was put right, where the
    condition is a point of that curve.
    """

    name: str
    kind: ConditionKind
    about: str
    lists: Lists = field(default_factory=Lists)
    control_of: str | None = None
    share: float | None = None

    def draw(self, base: LabelledSet, seed: int) -> Lists:
        """The lists of one run. A control is another random draw for each seed, so that an interval over seeds tells
        of the draw's chance too."""
        if self.kind is ConditionKind.RANDOM_REMOVAL:
            return draw_random_removal(base, self.lists, seed)
        if self.kind is ConditionKind.RANDOM_RELABEL:
            return draw_random_relabel(base, self.lists, seed)
        return self.lists


def as_given() -> Condition:
    return Condition(RAW, ConditionKind.AS_GIVEN, "The training set with the labels that it was given.")


def controls_of(condition: Condition) -> list[Condition]:
    """Random removal and random relabel of as many samples as the condition touches."""
    touched = len(condition.lists.touched)
    what = f"{touched:,} samples drawn at random, of each given class as many as {condition.name!r} touches"
    return [
        Condition(
            f"{condition.name}: random removal", ConditionKind.RANDOM_REMOVAL, f"{what}, are removed.",
            condition.lists, condition.name,
        ),
        Condition(
            f"{condition.name}: random relabel", ConditionKind.RANDOM_RELABEL,
            f"{what}, get other labels: those that {condition.name!r} gives to their class, or any other class at "
            "random where it removes.",
            condition.lists, condition.name,
        ),
    ]  # fmt: skip


def assemble_conditions(
    base: LabelledSet, asked: Sequence[Condition], controls: Sequence[str] | None = None
) -> list[Condition]:
    """The raw data, what was asked for, and controls of the conditions that ``controls`` names: of all without it.

    Raises:
        InvalidInput: lists that do not fit the training set, or ``controls`` names no condition. Lists are looked at
            before controls are drawn like them.
    """
    given = base.by_id()
    asked = [replace(one, lists=_without_idle(one.lists, given)) for one in asked]
    check_conditions(base, asked, ())
    wanted = [one.name for one in asked] if controls is None else controls
    if unknown := [name for name in wanted if name not in {one.name for one in asked}]:
        raise InvalidInput(f"--controls names {unknown[0]!r}, which is no condition.")
    return [as_given(), *asked, *(control for one in asked if one.name in wanted for control in controls_of(one))]


def _without_idle(lists: Lists, given: Mapping[str, str]) -> Lists:
    """A new label that is the given one changes nothing, so controls must not count it."""
    return Lists(lists.removed, {id_: label for id_, label in lists.relabelled.items() if given.get(id_) != label})


def draw_random_removal(base: LabelledSet, like: Lists, seed: int) -> Lists:
    """Removes as many samples of each given class as ``like`` touches, drawn without replacement."""
    chance = _chance("removal", seed)
    drawn = _draw_by_class(base, like.touched, chance)
    return Lists(frozenset(id_ for ids in drawn.values() for id_ in ids))


def draw_random_relabel(base: LabelledSet, like: Lists, seed: int) -> Lists:
    """Relabels as many samples of each given class as ``like`` touches.

    The new labels of a class are those that ``like`` gives to it, dealt out at random, so the training set's shares of
    classes change alike. For what ``like`` removes there is no new label: any other class is drawn.
    """
    chance = _chance("relabel", seed)
    given = base.by_id()
    new_labels: dict[str, list[str]] = defaultdict(list)
    for id_ in sorted(like.touched):
        others = [name for name in base.classes if name != given[id_]]
        new_labels[given[id_]].append(like.relabelled.get(id_) or chance.choice(others))
    relabelled: dict[str, str] = {}
    for name, ids in _draw_by_class(base, like.touched, chance).items():
        dealt = new_labels[name]
        chance.shuffle(dealt)
        relabelled.update(zip(ids, dealt, strict=True))
    return Lists(frozenset(), relabelled)


def _draw_by_class(base: LabelledSet, touched: Iterable[str], chance: random.Random) -> dict[str, list[str]]:
    given = base.by_id()
    wanted = Counter(given[id_] for id_ in touched)
    pools = base.ids_of_class()
    return {name: chance.sample(pools[name], wanted[name]) for name in base.classes}


def _chance(purpose: str, seed: int) -> random.Random:
    """Repeatable on every machine and version of Python; draws for different purposes don't follow each other."""
    return random.Random(f"winnow {purpose} {seed}")  # noqa: S311 - repeatable, not secret


def check_base(base: LabelledSet) -> None:
    """
    Raises:
        InvalidInput: no images, an id twice, fewer than two classes, or a label outside the classes.
    """
    if not base.ids:
        raise InvalidInput("There is nothing to train on: the training set has no images.")
    if twice := _repeated(base.ids):
        raise InvalidInput(f"The training set names {twice[0]!r} twice.")
    if len(base.classes) < 2:
        raise InvalidInput("A classifier needs two classes at least; the training set has one.")
    known = set(base.classes)
    _refuse_labels([(id_, x) for id_, x in zip(base.ids, base.labels, strict=True) if x not in known], base.classes)


def check_conditions(base: LabelledSet, conditions: Sequence[Condition], measured: Iterable[str]) -> None:
    """``measured`` are the classes of the evaluation set. A class that only wrong labels name may lose all of them.

    Raises:
        InvalidInput: a name twice, lists that do not fit the training set, or a condition that does nothing or leaves
            nothing; the message names the condition and the first ids.
    """
    check_base(base)
    if twice := _repeated(condition.name for condition in conditions):
        raise InvalidInput(f"Two conditions are called {twice[0]!r}. Give each a name of its own.")
    given = base.by_id()
    needed = set(measured) & set(base.labels)
    for condition in conditions:
        if condition.kind is not ConditionKind.AS_GIVEN:
            _check_lists(condition.name, condition.lists, given, base.classes)
            _check_what_is_left(condition.name, condition.lists, given, needed)


def _check_lists(name: str, lists: Lists, given: Mapping[str, str], classes: Sequence[str]) -> None:
    if not lists.touched:
        raise InvalidInput(
            f"The condition {name!r} is empty: it removes and relabels nothing, so it would be the raw data again. "
            "Leave it out, or give its lists."
        )
    if unknown := sorted(lists.touched - given.keys()):
        raise InvalidInput(
            f"The condition {name!r} names {len(unknown):,} ids that the training set does not have, such as "
            f"{unknown[0]!r}. Ids look like {next(iter(given))!r}. Are the lists of another split?"
        )
    if both := sorted(lists.removed & lists.relabelled.keys()):
        raise InvalidInput(f"The condition {name!r} removes and relabels {both[0]!r}.")
    known = set(classes)
    _refuse_labels([pair for pair in lists.relabelled.items() if pair[1] not in known], classes, name)


def _check_what_is_left(name: str, lists: Lists, given: Mapping[str, str], needed: Iterable[str]) -> None:
    left = Counter(lists.relabelled.get(id_, label) for id_, label in given.items() if id_ not in lists.removed)
    if not left:
        raise InvalidInput(f"The condition {name!r} removes every sample: nothing would be left to train on.")
    if gone := sorted(label for label in needed if not left[label]):
        raise InvalidInput(
            f"The condition {name!r} leaves no sample of the class {gone[0]!r}, which the evaluation set has: a model "
            "can't learn it. Look at the lists again."
        )


def _refuse_labels(outside: Sequence[tuple[str, str]], classes: Sequence[str], name: str | None = None) -> None:
    if outside:
        where = f"The condition {name!r} has" if name else "The training set has"
        raise InvalidInput(
            f"{where} {len(outside):,} labels outside the classes, such as {outside[0][1]!r} for {outside[0][0]!r}. "
            f"The classes are {', '.join(classes[:20])}{' ...' if len(classes) > 20 else ''}. "
            "Where the dataset has more classes, name all of them (--classes)."
        )


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
