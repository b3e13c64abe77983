"""Wrong labels put in on purpose, and taken out again share by share.

Symmetric noise gives a sample any other class with the same chance; pair noise gives it the next class, as people who
take one class for another do (both as in Han et al. 2018, "Co-teaching", but that exactly the share asked for is
flipped, of each class alike, and never to the class that it had).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from enum import StrEnum

from app.domain.errors import InvalidInput
from app.domain.retraining.conditions import LabelledSet, Lists


class NoiseKind(StrEnum):
    SYMMETRIC = "symmetric"
    PAIR = "pair"


def add_noise(base: LabelledSet, kind: NoiseKind, share: float, seed: int) -> LabelledSet:
    """The set with ``share`` (0 to 1) of each class's labels made wrong, rounded to whole samples.

    Raises:
        InvalidInput: the share is not above 0 and below 1.
    """
    if not 0 < share < 1:
        raise InvalidInput(f"The share of labels to make wrong is above 0 and below 1, not {share:g}.")
    chance = random.Random(f"winnow noise {kind} {seed}")  # noqa: S311 - repeatable, not secret
    place = {name: number for number, name in enumerate(base.classes)}
    wrong: dict[str, str] = {}
    for name, ids in base.ids_of_class().items():
        for id_ in chance.sample(ids, round(share * len(ids))):
            steps = 1 if kind is NoiseKind.PAIR else chance.randrange(1, len(base.classes))
            wrong[id_] = base.classes[(place[name] + steps) % len(base.classes)]
    labels = tuple(wrong.get(id_, label) for id_, label in zip(base.ids, base.labels, strict=True))
    return LabelledSet(base.ids, labels, base.classes)


def find_wrong(base: LabelledSet, truth: Mapping[str, str]) -> list[str]:
    """Ids whose given label is not the true one, in the set's order.

    Raises:
        InvalidInput: the truth does not tell of a sample.
    """
    if missing := [id_ for id_ in base.ids if id_ not in truth]:
        raise InvalidInput(f"The true labels lack {len(missing):,} samples, such as {missing[0]!r}.")
    return [id_ for id_, label in zip(base.ids, base.labels, strict=True) if truth[id_] != label]


def clean_share(base: LabelledSet, truth: Mapping[str, str], share: float, seed: int) -> Lists:
    """Puts this share (0 to 1) of the wrong labels right. A larger share cleans all that a smaller one does.

    Raises:
        InvalidInput: the share is not above 0 and at most 1, or the truth does not tell of a sample.
    """
    if not 0 < share <= 1:
        raise InvalidInput(f"The share of wrong labels to put right is above 0 and at most 1, not {share:g}.")
    wrong = find_wrong(base, truth)
    random.Random(f"winnow cleaned {seed}").shuffle(wrong)  # noqa: S311 - repeatable, not secret
    return Lists(frozenset(), {id_: truth[id_] for id_ in wrong[: round(share * len(wrong))]})
