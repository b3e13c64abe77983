"""Labels that the pictures speak against: confident learning (Northcutt, Jiang and Chuang 2021) over cross-validated
probabilities.

The probabilities are the mean of two opinions, neither of which has seen the image's own label: a logistic regression
trained on the other folds, and the vote of the nearest neighbours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from app.domain.detectors import Claim
from app.domain.samples import NO_LABEL, IssueType
from workers.engines.neighbours import Neighbours, Vectors, find_neighbours

VERSION = 1
FOLDS = 5
NEIGHBOURS = 15
SMALLEST_CLASS = FOLDS
"""Images that a class needs, so that every fold has one."""

_ROUNDS = 200
_NAMED = 3
_SYSTEMATIC = 5
"""So many images of one class taken for one other make a confusion of the two."""

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Confusion:
    """So many images with one label look like another class, which is ``share`` of the label's images."""

    given: str
    looks_like: str
    images: int
    share: float


@dataclass(frozen=True, slots=True)
class Mislabels:
    """What came out; ``notices`` say what could not be looked at."""

    claims: list[Claim]
    confusions: list[Confusion]
    notices: list[str]


def find_mislabels(keys: Sequence[str], vectors: Vectors, labels: Sequence[str]) -> Mislabels:
    """Claims on the labels of the images of ``vectors`` (n, d); images without a label are left out."""
    usable, notices = _usable_rows(labels)
    classes = sorted({labels[row] for row in usable.tolist()})
    if len(classes) < 2:
        return Mislabels([], [], [*notices, _too_few(len(classes))])
    number = {label: n for n, label in enumerate(classes)}
    given = np.array([number[labels[row]] for row in usable.tolist()])
    chosen = np.ascontiguousarray(vectors[usable])
    near = find_neighbours(chosen, NEIGHBOURS)
    probabilities = cross_validate(chosen, given, near)
    names = [keys[row] for row in usable.tolist()]
    tell = partial(_tell_neighbours, names, classes, given, near)
    return _conclude(names, classes, given, probabilities, tell, notices)


def judge_given(
    keys: Sequence[str], probabilities: Probabilities, classes: Sequence[str], labels: Sequence[str]
) -> Mislabels:
    """Claims on the labels of images by ``probabilities`` (n, classes) that somebody else made, cross-validated as is
    hoped. Images without a label, or with one that has no probability, are left out."""
    number = {label: n for n, label in enumerate(classes)}
    usable = [row for row, label in enumerate(labels) if label in number]
    notices = []
    if left := len(labels) - len(usable):
        notices.append(f"Mislabels were not sought among {left:,} images without a label that has a probability.")
    given = np.array([number[labels[row]] for row in usable], np.int64)
    counts = np.bincount(given, minlength=len(classes))
    if (counts > 0).sum() < 2:
        return Mislabels([], [], [*notices, _too_few(int((counts > 0).sum()))])
    # Confident learning wants each class to have an image that is labelled so.
    kept = np.flatnonzero(counts)
    chosen = probabilities[usable][:, kept] + 1e-9
    chosen /= chosen.sum(axis=1, keepdims=True)
    given = np.searchsorted(kept, given)
    names = [keys[row] for row in usable]
    return _conclude(names, [classes[n] for n in kept.tolist()], given, chosen, lambda row, likely: "", notices)


def _conclude(
    keys: Sequence[str], classes: Sequence[str], given: NDArray[np.int64], probabilities: Probabilities,
    tell: Callable[[int, int], str], notices: list[str],
) -> Mislabels:  # fmt: skip
    issues = judge_labels(given, probabilities)
    claims = [_claim(keys, classes, given, probabilities, tell, i) for i in np.flatnonzero(issues).tolist()]
    return Mislabels(claims, _confusions(classes, given, probabilities, issues), notices)


def _usable_rows(labels: Sequence[str]) -> tuple[NDArray[np.intp], list[str]]:
    counts = Counter(label for label in labels if label != NO_LABEL)
    small = sorted(label for label, count in counts.items() if count < SMALLEST_CLASS)
    rows = [row for row, label in enumerate(labels) if counts[label] >= SMALLEST_CLASS]
    notices = []
    if small:
        notices.append(
            f"Mislabels were not sought in {len(small):,} classes of fewer than {SMALLEST_CLASS} images, "
            f"such as {small[0]!r}: too few to learn from."
        )
    if unlabelled := len(labels) - sum(counts.values()):
        notices.append(f"Mislabels were not sought among {unlabelled:,} images that have no label.")
    return np.array(rows, np.intp), notices


def _too_few(classes: int) -> str:
    have = "no class has" if classes == 0 else "only one class has"
    return f"Mislabels were not sought: {have} {SMALLEST_CLASS} labelled images that can be read, and it takes two."


def cross_validate(vectors: Vectors, given: NDArray[np.int64], near: Neighbours) -> Probabilities:
    """Probabilities (n, classes) of images of which ``given`` are the labels as numbers from 0, each by what was learnt
    without that image."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    count = int(given.max()) + 1
    learnt = np.zeros((len(given), count))
    for train, held_out in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(vectors, given):
        model = LogisticRegression(C=10.0, max_iter=_ROUNDS, tol=1e-3)
        model.fit(vectors[train], given[train])
        learnt[held_out] = model.predict_proba(vectors[held_out])
    return np.asarray((learnt + _vote(given, near, count)) / 2)


def _vote(given: NDArray[np.int64], near: Neighbours, classes: int) -> Probabilities:
    """Shares of the neighbours' labels, nearer ones counting more; one vote is spread over all classes."""
    weights = 1 / (near.distances.astype(np.float64) + 0.1)
    votes = np.full((len(given), classes), weights.mean() / classes)
    rows = np.repeat(np.arange(len(given)), near.rows.shape[1])
    np.add.at(votes, (rows, given[near.rows].ravel()), weights.ravel())
    return np.asarray(votes / votes.sum(axis=1, keepdims=True))


def judge_labels(given: NDArray[np.int64], probabilities: Probabilities) -> NDArray[np.bool_]:
    """Which labels confident learning holds for wrong."""
    from cleanlab.filter import find_label_issues

    issues = find_label_issues(given, probabilities, filter_by="prune_by_noise_rate", n_jobs=1)
    # Where the given label is the likeliest still, there is no other to suggest.
    return np.asarray(issues & (probabilities.argmax(axis=1) != given))


def _claim(
    keys: Sequence[str], classes: Sequence[str], given: NDArray[np.int64], probabilities: Probabilities,
    tell: Callable[[int, int], str], row: int,
) -> Claim:  # fmt: skip
    likely = int(probabilities[row].argmax())
    told, doubted = probabilities[row, likely], probabilities[row, given[row]]
    source = "cross-validated" if (more := tell(row, likely)) else "from a file"
    reason = (
        f"looks like {classes[likely]!r} (probability {told:.2f}, {source}) more than like its label "
        f"{classes[given[row]]!r} ({doubted:.2f}){more}"
    )
    sure = round(float(told / (told + doubted)), 3)
    return Claim(keys[row], IssueType.MISLABEL, "mislabel", sure, reason, classes[likely])


def _tell_neighbours(
    keys: Sequence[str], classes: Sequence[str], given: NDArray[np.int64], near: Neighbours, row: int, likely: int
) -> str:
    agreeing = int((given[near.rows[row]] == likely).sum())
    closest = ", ".join(keys[j] for j in near.rows[row, :_NAMED].tolist())
    count = near.rows.shape[1]
    return f"; {agreeing} of its {count} nearest images are {classes[likely]!r}; the nearest of all: {closest}"


def _confusions(
    classes: Sequence[str], given: NDArray[np.int64], probabilities: Probabilities, issues: NDArray[np.bool_]
) -> list[Confusion]:
    likely = probabilities.argmax(axis=1)
    pairs = Counter(zip(given[issues].tolist(), likely[issues].tolist(), strict=True))
    sizes = np.bincount(given, minlength=len(classes))
    return [
        Confusion(classes[a], classes[b], images, round(images / int(sizes[a]), 4))
        for (a, b), images in pairs.most_common()
        if images >= _SYSTEMATIC
    ]
