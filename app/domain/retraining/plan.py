"""A comparison before it runs: every choice that its outcome depends on, and a digest for each of its runs.

A run is one condition trained with one seed. Its digest covers all that it is made of, so a run that was done, or cut
off half way, is taken up again by the same command and by no other.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace

from app.domain.errors import InvalidInput
from app.domain.retraining.conditions import RAW, Condition, ConditionKind, LabelledSet, Lists, check_conditions

TRAINING_VERSION = 1
"""Counted up where a change in training gives other models from the same plan."""

MOST_SEEDS = 100


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How every model is trained.

    Args:
        model: ``small``, ``resnet18-32`` or a model of torchvision's by its name.
        side: pixels of a side of the square that models see.
        epochs: passes over the training set. The last epoch's model counts; none is picked by its evaluation.
        batch_size: images a step.
        learning_rate: the highest of a cycle that rises for a fifth of all steps and falls to nothing (Smith 2018).
        momentum: Nesterov's.
        weight_decay: of all weights.
        augment: random shifts (crops above 64 pixels) and mirroring.
        threads: of a CPU. Sums are added up in another order by other numbers of threads, so it is part of the plan.
        device: auto, cpu, cuda or cuda:N.
        mixed_precision: bfloat16 where the device is a GPU.
        compile: let torch compile the network.
        robustness_images: so many evaluation images, evenly spread, are corrupted; 0 takes all.
        curve_images: so many, evenly spread, are looked at after each epoch; 0 takes all.
    """

    model: str = "small"
    side: int = 32
    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    augment: bool = True
    threads: int = 1
    device: str = "auto"
    mixed_precision: bool = True
    compile: bool = False
    robustness_images: int = 0
    curve_images: int = 0

    def __post_init__(self) -> None:
        limits = {
            "side": (8, 1024), "epochs": (1, 10_000), "batch_size": (2, 65_536), "threads": (1, 256),
            "robustness_images": (0, 10**9), "curve_images": (0, 10**9),
            "learning_rate": (1e-8, 100.0), "momentum": (0.0, 0.9999), "weight_decay": (0.0, 1.0),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InvalidInput(f"{name.replace('_', ' ').capitalize()} is from {low:g} to {high:g}, not {value:g}.")


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """What models are measured on, never altered. ``leaked`` are its ids whose picture is in the training set too;
    ``corrected`` makes the second, corrected evaluation set, which is reported apart."""

    ids: tuple[str, ...]
    labels: tuple[str, ...]
    leaked: frozenset[str] = frozenset()
    corrected: Lists = field(default_factory=Lists)


@dataclass(frozen=True, slots=True)
class ComparisonPlan:
    """Everything that a comparison depends on. ``facts`` are sentences on the data for the report, such as its noise.

    ``pixels`` is a digest over the pictures of both sets.
    """

    name: str
    base: LabelledSet
    evaluation: EvaluationSet
    conditions: tuple[Condition, ...]
    seeds: tuple[int, ...]
    config: TrainingConfig
    facts: tuple[str, ...] = ()
    pixels: str = ""

    def runs(self) -> list[tuple[Condition, int]]:
        """All runs, seed by seed: a comparison that is cut off has whole seeds."""
        return [(condition, seed) for seed in self.seeds for condition in self.conditions]


def leave_out(plan: ComparisonPlan, ids: Collection[str], why: str) -> ComparisonPlan:
    """The plan without these images of either set, in any condition. ``why`` ends a sentence among the plan's facts."""
    gone = frozenset(ids)

    def without(lists: Lists) -> Lists:
        return Lists(lists.removed - gone, {id_: x for id_, x in lists.relabelled.items() if id_ not in gone})

    def kept(ids: Sequence[str], labels: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        pairs = [pair for pair in zip(ids, labels, strict=True) if pair[0] not in gone]
        return tuple(id_ for id_, _ in pairs), tuple(label for _, label in pairs)

    base = LabelledSet(*kept(plan.base.ids, plan.base.labels), plan.base.classes)
    evaluation = EvaluationSet(
        *kept(plan.evaluation.ids, plan.evaluation.labels), plan.evaluation.leaked - gone,
        without(plan.evaluation.corrected),
    )  # fmt: skip
    fact = (
        f"{len(plan.base.ids) - len(base.ids):,} training and {len(plan.evaluation.ids) - len(evaluation.ids):,} "
        f"evaluation images were left out of every condition: {why}."
    )
    conditions = tuple(replace(one, lists=without(one.lists)) for one in plan.conditions)
    return replace(plan, base=base, evaluation=evaluation, conditions=conditions, facts=(*plan.facts, fact))


def spread_rows(count: int, wanted: int) -> range:
    """``wanted`` of ``count`` rows at even distances; all where 0 are wanted, or no fewer than there are."""
    return range(count) if not 0 < wanted < count else range(0, count, -(-count // wanted))


def check_plan(plan: ComparisonPlan, *, acknowledge_leaks: bool) -> None:
    """
    Raises:
        InvalidInput: what can't be compared, or would say nothing; the message says what to change.
    """
    _check_seeds(plan.seeds)
    check_conditions(plan.base, plan.conditions, plan.evaluation.labels)
    if not plan.conditions or plan.conditions[0].kind is not ConditionKind.AS_GIVEN:
        raise InvalidInput(f"The first condition is {RAW!r}, the data as it was given: others are compared with it.")
    if len(plan.conditions) < 2:
        raise InvalidInput("There is nothing to compare: give at least one condition beside the raw data.")
    _check_evaluation(plan)
    if plan.evaluation.leaked and not acknowledge_leaks:
        raise InvalidInput(
            f"{len(plan.evaluation.leaked):,} evaluation images are in the training set too, such as "
            f"{min(plan.evaluation.leaked)!r}: accuracy on them measures memory. Remove them from the training set, or "
            "acknowledge them (--acknowledge-leaks): all figures are then told with and without them."
        )


def _check_seeds(seeds: Sequence[int]) -> None:
    if len(set(seeds)) != len(seeds):
        raise InvalidInput("A seed is given twice. The same seed gives the same model, so it would count double.")
    if len(seeds) < 2:
        raise InvalidInput(
            "One seed can't tell an effect from chance: two trainings of the same data differ, too. Give at least 2 "
            "seeds, better 5 or more."
        )
    if len(seeds) > MOST_SEEDS or not all(0 <= seed < 2**31 for seed in seeds):
        raise InvalidInput(f"Give at most {MOST_SEEDS} seeds, each from 0 to 2,147,483,647.")


def _check_evaluation(plan: ComparisonPlan) -> None:
    evaluation, known = plan.evaluation, set(plan.base.classes)
    if len(evaluation.ids) < 2:
        raise InvalidInput("The evaluation set has fewer than two images.")
    if both := set(evaluation.ids) & set(plan.base.ids):
        raise InvalidInput(f"{min(both)!r} is in the training set and in the evaluation set.")
    labels = dict(zip(evaluation.ids, evaluation.labels, strict=True))
    if outside := [
        pair for pair in [*labels.items(), *evaluation.corrected.relabelled.items()] if pair[1] not in known
    ]:
        raise InvalidInput(
            f"The evaluation set has {len(outside):,} labels outside the classes that are trained on, such as "
            f"{outside[0][1]!r} for {outside[0][0]!r}."
        )
    if unknown := (evaluation.corrected.touched | evaluation.leaked) - labels.keys():
        raise InvalidInput(f"The evaluation set has no {min(unknown)!r}, which the correction or the leaks name.")
    if set(labels) == evaluation.corrected.removed:
        raise InvalidInput("The corrected evaluation set would be empty.")


def digest_of_run(plan: ComparisonPlan, base_digest: str, lists: Lists, seed: int) -> str:
    """What names a run: 64 hexadecimal digits over all that its model and its predictions depend on."""
    parts = {
        "version": TRAINING_VERSION, "base": base_digest, "config": asdict(plan.config), "seed": seed,
        "removed": sorted(lists.removed), "relabelled": sorted(lists.relabelled.items()),
    }  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()


def digest_of_base(plan: ComparisonPlan) -> str:
    """Over the training and the evaluation set: ids, labels, classes and pixels."""
    digest = hashlib.sha256(plan.pixels.encode())
    for part in (plan.base.ids, plan.base.labels, plan.base.classes, plan.evaluation.ids, plan.evaluation.labels):
        digest.update(json.dumps(part).encode())
    return digest.hexdigest()


def describe_lists(base: LabelledSet, lists: Lists) -> dict[str, object]:
    """How many samples the lists leave, in all and of each class."""
    left = Counter(
        lists.relabelled.get(id_, label)
        for id_, label in zip(base.ids, base.labels, strict=True)
        if id_ not in lists.removed
    )
    return {
        "images": sum(left.values()), "removed": len(lists.removed), "relabelled": len(lists.relabelled),
        "by_class": {name: left[name] for name in base.classes},
    }  # fmt: skip
