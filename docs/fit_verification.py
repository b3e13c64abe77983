"""Fit the weights of ``workers/engines/calibration_weights.py`` anew, and print that module.

    python docs/fit_verification.py IMAGES TRUTH PHOTOS > workers/engines/calibration_weights.py

IMAGES has the folders train and test, TRUTH the pairs of them that people judged (columns test_image, train_image,
label), PHOTOS photos of which copies are made, as ``winnow bench copies`` makes them, from other photos.

Candidates and evidence come from the engines, as in a search. Most pairs were never judged, and some of those are
duplicates. So there are two rounds: the first, in which they count as different, finds those that score like
duplicates, and the second leaves these out. Each class of test images is scored by a model that saw none of its pairs.
How good the weights are, and Platt's scaling, is taken from those scores. Figures go to standard error.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from app.cli.image_folders import open_folders
from app.cli.judged_leaks import DUPLICATE, SIMILAR, UNSURE, Pair, best_scores, measure_ranking, read_judged, targets
from app.cli.made_copies import list_photos, make_copies
from app.domain.leaks import SMALLEST_CROP
from workers.engines.calibration import INPUTS, inputs, scores
from workers.engines.decoding import ImageRef
from workers.engines.fingerprints import fingerprint_images
from workers.engines.verification import verify
from workers.engines.verified_search import (
    QUERY_PART,
    REFERENCE_PART,
    find_candidates,
    merge_candidates,
    typical_side,
)

REGULARISATION = 0.3
"""scikit-learn's C: the smaller, the closer the weights are kept to 0."""

SUSPICIOUS = 0.12
"""A never-judged pair above this quantile of the duplicates' scores is left out of the second round."""

COPIES_WEIGHT = 1.0
COPIES_SEED = 3
"""Not that of ``bench copies``, so that it is measured on other crops."""

PHOTOS = 200

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs that passed the coarse look: the names of their images, and the evidence."""

    names: list[Pair]
    evidence: Numbers


@dataclass(frozen=True, slots=True)
class Examples:
    """What there is to learn from: inputs, which are duplicates, and which may be learned from at all."""

    inputs: Numbers
    is_duplicate: Marks
    is_used: Marks

    def take(self, rows: Marks) -> tuple[Numbers, Marks]:
        return self.inputs[rows & self.is_used], self.is_duplicate[rows & self.is_used]


@dataclass(frozen=True, slots=True)
class Model:
    """A logistic regression over raw inputs."""

    weights: Numbers
    intercept: float

    def decide(self, table: Numbers) -> Numbers:
        return table @ self.weights + self.intercept


def collect(train: list[ImageRef], test: list[ImageRef], processes: int) -> Pairs:
    """Candidates and their evidence, part by part as a search does it."""
    table = fingerprint_images([*test, *train], processes=processes)
    query, reference = table.part(0, len(test)), table.part(len(test), len(table))
    side = min(typical_side(query), typical_side(reference))
    names: list[Pair] = []
    evidence = []
    for start in range(0, len(query), QUERY_PART):
        part = query.part(start, min(start + QUERY_PART, len(query)))
        found = [
            find_candidates(
                part,
                reference.part(first, min(first + REFERENCE_PART, len(reference))),
                side=side,
                smallest_crop=SMALLEST_CROP,
                first_reference=first,
                threads=processes,
            )
            for first in range(0, len(reference), REFERENCE_PART)
        ]
        verified = verify(part.thumbnails, reference.thumbnails, merge_candidates(found), threads=processes)
        passed = np.flatnonzero(verified.evidence[:, :-1].any(axis=1))
        names += [(part.keys[verified.query[i]], reference.keys[verified.reference[i]]) for i in passed]
        evidence.append(verified.evidence[passed])
    return Pairs(names, np.concatenate(evidence))


def collect_copies(photos: Path, count: int, processes: int) -> tuple[Pairs, Marks]:
    """Pairs of made copies and photos, and which are of a copy and its original."""
    train = list_photos(photos)
    with tempfile.TemporaryDirectory(prefix="winnow-fit-") as folder:
        copies = make_copies(train, count, Path(folder), COPIES_SEED)
        pairs = collect(train, [copy.ref for copy in copies], processes)
    originals = {copy.ref.key: copy.original for copy in copies}
    return pairs, np.array([originals[test_image] == train_image for test_image, train_image in pairs.names])


def train_model(judged: tuple[Numbers, Marks], copies: tuple[Numbers, Marks]) -> Model:
    table = np.concatenate([judged[0], copies[0]])
    is_duplicate = np.concatenate([judged[1], copies[1]])
    importance = np.repeat([1.0, COPIES_WEIGHT], [len(judged[0]), len(copies[0])])
    scaler = StandardScaler().fit(table)
    regression = LogisticRegression(C=REGULARISATION, max_iter=5000)
    regression.fit(scaler.transform(table), is_duplicate, sample_weight=importance)
    weights = regression.coef_[0] / scaler.scale_
    return Model(weights, float(regression.intercept_[0] - weights @ scaler.mean_))


def decide_out_of_class(examples: Examples, classes: NDArray[np.str_], copies: tuple[Numbers, Marks]) -> Numbers:
    """The decision value of each pair, by a model that was trained without the class of its test image."""
    values = np.zeros(len(classes))
    for name in np.unique(classes):
        model = train_model(examples.take(classes != name), copies)
        values[classes == name] = model.decide(examples.inputs[classes == name])
    return values


def scale(model: Model, values: Numbers, is_duplicate: Marks) -> Model:
    """Platt's scaling: a slope and an offset under which scores are shares of duplicates."""
    slope, offset = platt(values, is_duplicate)
    return Model(model.weights * slope, model.intercept * slope + offset)


def platt(values: Numbers, is_duplicate: Marks) -> tuple[float, float]:
    fitted = LogisticRegression(C=1e6).fit(values[:, None], is_duplicate)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def fit(pairs: Pairs, judged: dict[Pair, str], copies: tuple[Pairs, Marks]) -> tuple[Model, Numbers]:
    """The scaled model, and the scores of the judged images' pairs by models that never saw their class."""
    labels = [judged.get(pair) for pair in pairs.names]
    is_duplicate = np.array([label == DUPLICATE for label in labels])
    is_clear = np.array([label not in (SIMILAR, UNSURE) for label in labels])
    is_unjudged = np.array([label is None for label in labels])
    classes = np.array([class_of(test_image) for test_image, _ in pairs.names])
    table, made = inputs(pairs.evidence), (inputs(copies[0].evidence), copies[1])

    first = decide_out_of_class(Examples(table, is_duplicate, is_clear), classes, made)
    is_suspicious = is_unjudged & (first > np.quantile(first[is_duplicate], SUSPICIOUS))
    examples = Examples(table, is_duplicate, is_clear & ~is_suspicious)
    second = decide_out_of_class(examples, classes, made)
    print(f"{len(table):,} pairs, {is_duplicate.sum():,} duplicates, {is_suspicious.sum():,} left out", file=sys.stderr)

    everything = train_model(examples.take(np.ones(len(table), bool)), made)
    used = examples.is_used
    slope, offset = platt(second[used], is_duplicate[used])
    return scale(everything, second[used], is_duplicate[used]), 1 / (1 + np.exp(-(second * slope + offset)))


def class_of(image: str) -> str:
    return PurePosixPath(image).parent.name


def report(title: str, names: list[Pair], found: Numbers, judged: dict[Pair, str], test_images: list[str]) -> None:
    """Average precision and recall at precision 0.9, of all test images and of each class."""
    scored = dict(zip(names, found.tolist(), strict=True))
    print(title, file=sys.stderr)
    for name in ("", *sorted({class_of(image) for image in test_images})):
        images = [image for image in test_images if not name or class_of(image) == name]
        kept = {pair: score for pair, score in scored.items() if not name or class_of(pair[0]) == name}
        measured = measure_ranking(best_scores(kept, images), targets(judged, images))
        precision, recall = measured["average_precision"], measured["recall_at_precision_0.9"]
        print(f"  {name or 'all':<16}{precision:>8.3f}{recall:>8.3f}", file=sys.stderr)


def module_text(model: Model) -> str:
    weights = "".join(f'    "{name}": {weight:.5f},\n' for name, weight in zip(INPUTS, model.weights, strict=True))
    return (
        '"""The weights of ``calibration``, as ``docs/fit_verification.py`` prints them."""\n\n'
        f"INTERCEPT = {model.intercept:.5f}\n\nWEIGHTS = {{\n{weights}}}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("photos_folder", type=Path)
    parser.add_argument("--photos", type=int, default=PHOTOS, help="how many to make copies of (default %(default)s)")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()

    train_folder, test_folder = open_folders(args.images / "train", args.images / "test")
    if test_folder is None:
        raise SystemExit(f"{args.images} needs a folder train and a folder test.")
    train, test = ([ImageRef(*row) for row in folder.list_images()] for folder in (train_folder, test_folder))
    judged, test_images = read_judged(args.truth), [ref.key for ref in test]
    copies = collect_copies(args.photos_folder, args.photos, args.processes)
    pairs = collect(train, test, args.processes)

    model, out_of_class = fit(pairs, judged, copies)
    report("average precision, recall at precision 0.9: class left out", pairs.names, out_of_class, judged, test_images)
    now = scores(pairs.evidence)
    report("the weights as they are, which may have seen these pairs", pairs.names, now, judged, test_images)
    print(module_text(model), end="")


if __name__ == "__main__":
    main()
