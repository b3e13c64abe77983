"""The flagged export of a demo dataset, as a detector would have written it.

About half of its flags are wrong. True ones tend to be surer, some planted faults are missed, and some
samples carry two flags.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from app.demo.develop import Shot
from app.demo.fingerprint import distance
from app.demo.plan import CORRUPT, Picture, Treatment
from app.demo.record import duplicate_groups, is_mislabelled
from app.demo.scenes import CLASSES

COLUMNS = (
    "image_id",
    "image_path",
    "label",
    "issue_type",
    "confidence",
    "suggested_label",
    "reason",
    "duplicate_group_id",
)

BROKEN_REASONS: dict[Treatment, str] = {
    Treatment.TRUNCATE: "cannot decode: image file is truncated",
    Treatment.EMPTY: "cannot decode: file is empty",
    Treatment.TEXT: "cannot decode: not an image file (HTML text)",
}


@dataclass(frozen=True, slots=True)
class FlagRow:
    """One line of the export."""

    key: str
    issue_type: str
    confidence: float
    suggested_label: str = ""
    reason: str = ""
    group: str = ""

    def cells(self) -> tuple[str, ...]:
        label = self.key.split("/")[1]
        sure = f"{self.confidence:.3f}"
        return self.key, self.key, label, self.issue_type, sure, self.suggested_label, self.reason, self.group


@dataclass(slots=True)
class _Detector:
    """Writes flags; keeps the pictures it may still wrongly suspect."""

    rng: random.Random
    plan: Sequence[Picture]
    shots: Mapping[int, Shot]
    innocent: list[Picture]
    rows: list[FlagRow] = field(default_factory=list)

    def sure(self) -> float:
        return 0.55 + 0.445 * self.rng.betavariate(5, 1.8)

    def unsure(self) -> float:
        return 0.45 + 0.53 * self.rng.betavariate(2.2, 2.6)

    def most_of(self, pictures: list[Picture], share: float) -> list[Picture]:
        """All but a few, which this detector misses."""
        return self.rng.sample(pictures, round(len(pictures) * share))

    def suspects(self, count: int) -> list[Picture]:
        taken, self.innocent = self.innocent[:count], self.innocent[count:]
        return taken

    def other(self, label: str) -> str:
        return self.rng.choice([name for name in CLASSES if name != label])

    def share(self, count: float) -> int:
        """A count meant for the full dataset of 600, in proportion to this one."""
        return max(1, round(count * len(self.plan) / 600))


def make_flags(plan: Sequence[Picture], shots: Mapping[int, Shot], seed: int) -> list[FlagRow]:
    """All flags, ordered by sample and issue."""
    rng = random.Random(f"flags:{seed}")
    used = {picture.source for picture in plan}
    innocent = [
        picture
        for picture in plan
        if picture.treatment is Treatment.PLAIN and picture.folder == picture.label and picture.number not in used
    ]
    rng.shuffle(innocent)
    detector = _Detector(rng, plan, shots, innocent)
    _flag_mislabels(detector)
    _flag_outliers(detector)
    _flag_duplicates(detector)
    _flag_quality(detector)
    return sorted(detector.rows, key=lambda row: (row.key, row.issue_type))


def _mislabel(detector: _Detector, picture: Picture, suggested: str, confidence: float) -> FlagRow:
    certainty = min(0.99, confidence * detector.rng.uniform(0.92, 1.03))
    rest = (1 - certainty) * detector.rng.uniform(0.2, 0.9)
    reason = f"predicted {suggested} ({certainty:.2f}) over {picture.folder} ({rest:.2f})"
    return FlagRow(picture.key, "mislabel", confidence, suggested, reason)


def _flag_mislabels(detector: _Detector) -> None:
    wrong = [picture for picture in detector.plan if is_mislabelled(picture)]
    for i, picture in enumerate(detector.most_of(wrong, 0.87)):
        suggested = detector.other(picture.folder) if i % 13 == 12 else picture.label
        detector.rows.append(_mislabel(detector, picture, suggested, detector.sure()))
    leaked = [p for p in detector.plan if p.split == "test" and p.treatment is Treatment.COPY and p.folder == p.label]
    blurred = [p for p in detector.plan if p.treatment in {Treatment.BLUR, Treatment.SOFTEN}]
    doubles = [p for p in detector.plan if p.treatment is Treatment.EDIT]
    right = detector.suspects(detector.share(20))
    right += leaked[: detector.share(2)] + blurred[: detector.share(4)] + doubles[: detector.share(3)]
    for picture in right:
        row = _mislabel(detector, picture, detector.other(picture.folder), detector.unsure())
        detector.rows.append(row)


def _outlier(detector: _Detector, picture: Picture, confidence: float) -> FlagRow:
    ratio = 1.2 + confidence * detector.rng.uniform(0.8, 1.3)
    reason = f"distance to its nearest neighbours {ratio:.2f} times the usual of {picture.folder}"
    return FlagRow(picture.key, "outlier", confidence, reason=reason)


def _flag_outliers(detector: _Detector) -> None:
    odd = [picture for picture in detector.plan if picture.treatment is Treatment.ODDITY]
    for picture in detector.most_of(odd, 0.85):
        detector.rows.append(_outlier(detector, picture, detector.sure()))
    wrong = [picture for picture in detector.plan if is_mislabelled(picture)]
    for picture in detector.suspects(detector.share(11)) + wrong[: detector.share(4)]:
        detector.rows.append(_outlier(detector, picture, detector.unsure()))


def _flag_duplicates(detector: _Detector) -> None:
    """Whole groups; the last near group is missed, and some pairs are merely alike."""
    groups = [(group.kind, group.keys) for group in duplicate_groups(detector.plan)]
    missed = [keys for kind, keys in groups if kind == "near"][-1:]
    groups = [group for group in groups if group[1] not in missed]
    groups += [("alike", pair) for pair in _alike_pairs(detector, detector.share(7))]
    detector.rng.shuffle(groups)
    by_key = {picture.key: picture for picture in detector.plan}
    for number, (kind, keys) in enumerate(groups, start=1):
        similarity = {"exact": 1.0, "near": detector.rng.uniform(0.962, 0.995)}.get(
            kind, detector.rng.uniform(0.9, 0.95)
        )
        for key in keys:
            twin = by_key[next(other for other in keys if other != key)]
            reason = f"similar to {twin.key} ({similarity:.3f})"
            detector.rows.append(FlagRow(key, "duplicate", similarity, "", reason, f"d{number:04d}"))


def _alike_pairs(detector: _Detector, count: int) -> list[tuple[str, ...]]:
    """Pairs of different train scenes of one class that lie closest to each other."""
    pool = [picture for picture in detector.innocent if picture.split == "train"]
    ranked = sorted(
        (distance(detector.shots[a.number].phash or 0, detector.shots[b.number].phash or 0), a.key, b.key)
        for i, a in enumerate(pool)
        for b in pool[i + 1 :]
        if a.folder == b.folder
    )
    pairs: list[tuple[str, ...]] = []
    taken: set[str] = set()
    for _, first, second in ranked:
        if len(pairs) < count and not {first, second} & taken:
            pairs.append(tuple(sorted((first, second))))
            taken |= {first, second}
    detector.innocent = [picture for picture in detector.innocent if picture.key not in taken]
    return pairs


def _flag_quality(detector: _Detector) -> None:
    usual = median(shot.sharpness for shot in detector.shots.values() if shot.phash is not None)
    blurred = [p for p in detector.plan if p.treatment in {Treatment.BLUR, Treatment.SOFTEN}]
    for picture in detector.most_of(blurred, 0.92):
        detector.rows.append(_blur(detector, picture, usual, detector.sure()))
    softest = sorted(detector.innocent, key=lambda picture: detector.shots[picture.number].sharpness)
    for picture in softest[: detector.share(18)]:
        detector.rows.append(_blur(detector, picture, usual, detector.unsure()))
    broken = [picture for picture in detector.plan if picture.treatment in CORRUPT]
    for picture in detector.most_of(broken, 0.67):
        detector.rows.append(FlagRow(picture.key, "quality", 1.0, reason=BROKEN_REASONS[picture.treatment]))


def _blur(detector: _Detector, picture: Picture, usual: float, confidence: float) -> FlagRow:
    measured = detector.shots[picture.number].sharpness
    return FlagRow(
        picture.key,
        "quality",
        confidence,
        reason=f"blur: sharpness {measured:.0f}, median of the dataset {usual:.0f}",
    )


def flags_as_csv(rows: Iterable[FlagRow]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row.cells() for row in rows)
    return buffer.getvalue()
