"""The plan of a demo dataset: which pictures there are, what is wrong with each, and under what name it lies.

Names are dealt after shuffling, so that neither a name nor its order tells what is planted.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.demo.oddities import FOREIGN, UNUSUAL
from app.demo.scenes import CLASSES


class Treatment(StrEnum):
    """How a picture comes about: drawn and perhaps spoilt, or made from another picture."""

    PLAIN = "plain"
    BLUR = "blur"
    SOFTEN = "soften"
    ODDITY = "oddity"
    TRUNCATE = "truncate"
    EMPTY = "empty"
    TEXT = "text"
    COPY = "copy"
    REENCODE = "reencode"
    LOSSLESS = "lossless"
    MIRROR = "mirror"
    CROP = "crop"
    EDIT = "edit"


DERIVED = frozenset(
    {Treatment.COPY, Treatment.REENCODE, Treatment.LOSSLESS, Treatment.MIRROR, Treatment.CROP, Treatment.EDIT}
)
CORRUPT = frozenset({Treatment.TRUNCATE, Treatment.EMPTY, Treatment.TEXT})

LEAK_KINDS: dict[Treatment, str] = {
    Treatment.COPY: "copied",
    Treatment.REENCODE: "reencoded",
    Treatment.LOSSLESS: "pixel_identical",
    Treatment.MIRROR: "mirrored",
    Treatment.CROP: "cropped",
}


@dataclass(frozen=True, slots=True)
class Counts:
    """How much of everything is planted; the plain pictures fill up to ``train`` and ``test``."""

    train: int = 450
    test: int = 150
    mislabels: int = 30
    foreign: int = 7
    unusual: int = 5
    exact_copies: int = 16
    near_copies: int = 14
    blurred: int = 9
    softened: int = 3
    corrupt: int = 6
    copied: int = 8
    reencoded: int = 8
    pixel_identical: int = 4
    mirrored: int = 6
    cropped: int = 6


@dataclass(frozen=True, slots=True)
class Picture:
    """One file to make. ``label`` is what it shows, ``folder`` the class it is filed under.

    ``source`` is the number of the picture that a derived one is made from.
    """

    number: int
    split: str
    label: str
    folder: str
    treatment: Treatment = Treatment.PLAIN
    source: int | None = None
    style: str = ""
    suffix: str = ".jpg"
    key: str = ""


@dataclass(slots=True)
class _Planner:
    rng: random.Random
    pictures: list[Picture] = field(default_factory=list)

    def add(
        self,
        split: str,
        label: str,
        treatment: Treatment = Treatment.PLAIN,
        *,
        folder: str | None = None,
        source: int | None = None,
        style: str = "",
        suffix: str = ".jpg",
    ) -> Picture:
        picture = Picture(len(self.pictures), split, label, folder or label, treatment, source, style, suffix)
        self.pictures.append(picture)
        return picture

    def other(self, label: str) -> str:
        return self.rng.choice([name for name in CLASSES if name != label])

    def count(self, split: str) -> int:
        return sum(picture.split == split for picture in self.pictures)


def make_plan(seed: int, counts: Counts) -> list[Picture]:
    """All pictures of a dataset, named, in the order of their keys' numbers."""
    planner = _Planner(random.Random(f"plan:{seed}"))
    _add_mislabels(planner, counts)
    _add_outliers(planner, counts)
    _add_poor_quality(planner, counts)
    leaks = _leak_treatments(counts)
    copies = counts.exact_copies + counts.near_copies
    plain_train = counts.train - planner.count("train") - copies
    plain_test = counts.test - planner.count("test") - len(leaks)
    sources = [planner.add("train", CLASSES[i % len(CLASSES)]) for i in range(plain_train)]
    for i in range(plain_test):
        planner.add("test", CLASSES[i % len(CLASSES)], suffix=".png" if i < len(leaks) // 5 else ".jpg")
    planner.rng.shuffle(sources)
    _add_duplicates(planner, counts, sources)
    _add_leaks(planner, leaks, sources)
    return _named(planner)


def _split_of(index: int) -> str:
    """Every fifth planted fault lies in test."""
    return "test" if index % 5 == 4 else "train"


def _add_mislabels(planner: _Planner, counts: Counts) -> None:
    for i in range(counts.mislabels):
        label = CLASSES[i % len(CLASSES)]
        planner.add(_split_of(i), label, folder=planner.other(label))


def _add_outliers(planner: _Planner, counts: Counts) -> None:
    for i, style in enumerate(_cycled(tuple(FOREIGN), counts.foreign)):
        planner.add(_split_of(i), planner.rng.choice(CLASSES), Treatment.ODDITY, style=style)
    for i, style in enumerate(_cycled(tuple(UNUSUAL), counts.unusual)):
        planner.add(_split_of(i), planner.rng.choice(CLASSES), Treatment.ODDITY, style=style)


def _add_poor_quality(planner: _Planner, counts: Counts) -> None:
    kinds = [Treatment.BLUR] * counts.blurred + [Treatment.SOFTEN] * counts.softened
    spoilt = (Treatment.TRUNCATE, Treatment.EMPTY, Treatment.TEXT)
    kinds += [spoilt[i % 3] for i in range(counts.corrupt)]
    for i, kind in enumerate(kinds):
        planner.add(_split_of(i), planner.rng.choice(CLASSES), kind)


def _leak_treatments(counts: Counts) -> list[Treatment]:
    return (
        [Treatment.COPY] * counts.copied
        + [Treatment.REENCODE] * counts.reencoded
        + [Treatment.LOSSLESS] * counts.pixel_identical
        + [Treatment.MIRROR] * counts.mirrored
        + [Treatment.CROP] * counts.cropped
    )


def _add_duplicates(planner: _Planner, counts: Counts, sources: list[Picture]) -> None:
    """Copies within train. The first source gets two; every seventh copy is filed under another class."""
    source = sources.pop()
    for i in range(counts.exact_copies):
        folder = planner.other(source.label) if i % 7 == 6 else source.label
        planner.add("train", source.label, Treatment.COPY, folder=folder, source=source.number)
        source = source if i == 0 else sources.pop()
    for _ in range(counts.near_copies):
        planner.add("train", source.label, Treatment.EDIT, source=source.number)
        source = sources.pop()


def _add_leaks(planner: _Planner, leaks: list[Treatment], sources: list[Picture]) -> None:
    """Train pictures repeated in test; every seventh under another class."""
    for i, treatment in enumerate(leaks):
        source = sources.pop()
        folder = planner.other(source.label) if i % 7 == 3 else source.label
        suffix = ".png" if treatment is Treatment.LOSSLESS else ".jpg"
        planner.add("test", source.label, treatment, folder=folder, source=source.number, suffix=suffix)
    for innocent in sources[: len(leaks) // 4]:
        planner.pictures[innocent.number] = replace(innocent, suffix=".png")


def _named(planner: _Planner) -> list[Picture]:
    folders: dict[tuple[str, str], list[Picture]] = defaultdict(list)
    for picture in planner.pictures:
        folders[picture.split, picture.folder].append(picture)
    named: dict[int, Picture] = {}
    for (split, folder), pictures in sorted(folders.items()):
        names = sorted(planner.rng.sample(range(1, 2 * len(pictures) + 1), len(pictures)))
        planner.rng.shuffle(pictures)
        for name, picture in zip(names, pictures, strict=True):
            named[picture.number] = replace(picture, key=f"{split}/{folder}/{name:04d}{picture.suffix}")
    return [named[number] for number in range(len(named))]


def _cycled(names: Sequence[str], count: int) -> list[str]:
    return [names[i % len(names)] for i in range(count)]
