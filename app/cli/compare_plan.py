"""The plan of a ``winnow compare``, from its options: pictures decoded, conditions read, everything checked."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.cli.compare_inputs import (
    Images,
    parse_condition,
    read_images,
    read_label_table,
    read_leaked,
    read_lists,
    relabel_images,
)
from app.cli.compare_project import read_project, refs_of
from app.cli.image_folders import open_folders
from app.cli.progress import ProgressReporter
from app.domain.errors import InvalidInput
from app.domain.retraining.conditions import (
    Condition,
    ConditionKind,
    LabelledSet,
    Lists,
    assemble_conditions,
    check_base,
)
from app.domain.retraining.label_noise import NoiseKind, add_noise, clean_share, find_wrong
from app.domain.retraining.plan import ComparisonPlan, EvaluationSet, TrainingConfig, check_plan
from workers.engines.embeddings import choose_device
from workers.engines.retraining.networks import check_model
from workers.engines.retraining.prepare import prepare_work
from workers.engines.retraining.runs import Work


@dataclass(frozen=True, slots=True)
class _Given:
    """What is compared on: from two folders, or a project's splits and what is known of them."""

    name: str
    train: Images
    test: Images
    splits: tuple[str, str]
    conditions: tuple[Condition, ...] = ()
    corrected: Lists = field(default_factory=Lists)
    leaked: frozenset[str] = frozenset()
    classes: tuple[str, ...] = ()


def make_plan(args: argparse.Namespace) -> Work:
    """Everything is checked before the first picture is decoded, but for leaks that only pictures show.

    Raises:
        InvalidInput: what can't be compared; says what to change.
        OutOfSpace: the pictures don't fit on the disk.
    """
    config = make_config(args)
    check_model(config.model)
    given = _read_given(args)
    train = given.train
    if args.labels:
        train = relabel_images(train, read_label_table(args.labels), args.labels)
    classes = tuple(args.classes or given.classes or sorted({*train.labels, *given.test.labels}))
    base = LabelledSet(train.ids, train.labels, classes)
    check_base(base)
    base, truth, facts = _noisy(args, base)
    conditions = make_conditions(args, base, truth, given)
    evaluation = _evaluation(args, given, train, base)
    plan = ComparisonPlan(
        args.name or given.name, base, evaluation, tuple(conditions), tuple(args.seeds), config, tuple(facts)
    )
    check_plan(plan, acknowledge_leaks=args.acknowledge_leaks)
    return _with_pictures(args, plan, train, given.test)


def _read_given(args: argparse.Namespace) -> _Given:
    if args.project:
        if args.train_dir or args.test_dir or args.labels or args.noise:
            raise InvalidInput("--project goes without --train-dir, --test-dir, --labels and --noise.")
        found = read_project(args)
        train, test = (Images(part.ids, refs_of(part), part.labels) for part in (found.train, found.evaluation))
        splits = (args.train_split, args.test_split)
        return _Given(
            found.name, train, test, splits, found.conditions, found.corrected, found.leaked, found.classes
        )  # fmt: skip
    if args.train_dir is None or args.test_dir is None:
        raise InvalidInput("Say what to train and measure on: --train-dir and --test-dir, or --project.")
    train_folder, test_folder = open_folders(args.train_dir, args.test_dir)
    if test_folder is None:
        raise InvalidInput("Say with --test-dir what models are measured on.")
    splits = (train_folder.path.name, test_folder.path.name)
    name = train_folder.path.parent.name
    return _Given(name, read_images(train_folder), read_images(test_folder), splits)


def make_config(args: argparse.Namespace) -> TrainingConfig:
    """The device by its own name: runs of a GPU must not be taken for those of a CPU."""
    return TrainingConfig(
        args.model, args.image_size, args.epochs, args.batch_size, args.learning_rate,
        weight_decay=args.weight_decay, augment=not args.no_augmentation, threads=args.threads,
        device=str(choose_device(args.device)),
        mixed_precision=not args.no_mixed_precision, compile=args.compile, robustness_images=args.robustness_images,
        curve_images=args.curve_images,
    )  # fmt: skip


def _noisy(args: argparse.Namespace, base: LabelledSet) -> tuple[LabelledSet, Mapping[str, str] | None, list[str]]:
    """The training set with the noise asked for, its true labels where they are known, and what to tell of both."""
    truth: Mapping[str, str] | None = read_label_table(args.truth) if args.truth else None
    if args.noise:
        if truth is not None or args.labels is not None:
            raise InvalidInput("--noise makes the folders' labels wrong; it goes with neither --labels nor --truth.")
        kind, _, share = args.noise.partition(":")
        try:
            noise, number = NoiseKind(kind), float(share)
        except ValueError:
            raise InvalidInput(f"--noise is symmetric:SHARE or pair:SHARE, not {args.noise!r}.") from None
        truth = base.by_id()
        base = add_noise(base, noise, number, args.noise_seed)
        return base, truth, [f"{number:.0%} of each class's labels were made wrong on purpose ({noise.value} noise)."]
    if truth is None:
        return base, None, []
    wrong = len(find_wrong(base, truth))
    return base, truth, [f"{wrong:,} of {len(base.ids):,} given labels ({wrong / len(base.ids):.1%}) are known wrong."]


def make_conditions(
    args: argparse.Namespace, base: LabelledSet, truth: Mapping[str, str] | None, given: _Given
) -> list[Condition]:
    """The raw data, what was asked for, and the controls; each checked before controls are made of it."""
    asked = list(given.conditions)
    asked += [parse_condition(text, base, given.splits[0], args.min_confidence) for text in args.condition]
    if args.share_cleaned and truth is None:
        raise InvalidInput("--share-cleaned needs to know which labels are wrong: give --truth or --noise.")
    for share in sorted(args.share_cleaned):
        about = f"{share:.0%} of the wrong labels put right, drawn at random."
        lists = clean_share(base, truth or {}, share, args.noise_seed)
        asked.append(Condition(f"{share:.0%} cleaned", ConditionKind.LISTS, about, lists, share=share))
    return assemble_conditions(base, asked, args.controls)


def _evaluation(args: argparse.Namespace, given: _Given, train: Images, base: LabelledSet) -> EvaluationSet:
    test = given.test
    leaked = given.leaked | (read_leaked(args.leaks, train.ids, test.ids) if args.leaks else frozenset())
    corrected = given.corrected
    if args.corrected_test:
        paths = [Path(part) for part in args.corrected_test.split(",")]
        corrected, _ = read_lists(paths, LabelledSet(test.ids, test.labels, base.classes), given.splits[1])
    return EvaluationSet(test.ids, test.labels, leaked, corrected)


def _with_pictures(args: argparse.Namespace, plan: ComparisonPlan, train: Images, test: Images) -> Work:
    folder = args.output / "work"
    progress = ProgressReporter()
    try:
        return prepare_work(
            plan, train.refs, test.refs, folder, folder, acknowledge_leaks=args.acknowledge_leaks,
            leave_out_unreadable=args.leave_out_unreadable,
            on_progress=lambda name, done, total: progress(f"reading {name}", done, total),
        )  # fmt: skip
    finally:
        progress.close()
