"""Which image of a dataset a path from elsewhere means: the same path, or the same end of it where that is unique.

A path may begin higher up than the dataset does (``/data/cifar/train/cat/1.png``) or further down (``cat/1.png``). Two
paths that merely end alike are never the same: ``train/cat/1.png`` is not ``test/cat/1.png``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from difflib import SequenceMatcher

MAX_COMPARED, MAX_NEAREST = 20, 2_000
"""So many images is one unknown path compared with, and so many unknown paths of an import are compared at all."""


@dataclass(frozen=True, slots=True)
class Match:
    """The image's key, or why there is none; ``by_end`` where only the path's end is the same."""

    key: str | None
    by_end: bool = False
    code: str = ""
    reason: str = ""


class PathMatcher:
    """Finds keys. What it needs besides ``keys`` is made when the first path is not found as it stands."""

    def __init__(self, keys: Collection[str], *, ignore_case: bool = False) -> None:
        self._keys, self._ignore_case = keys, ignore_case
        self._names: dict[str, list[str]] | None = None
        self._compared = 0

    def find(self, path: str) -> Match:
        """Find a relative path without ``.`` and ``..``."""
        if path in self._keys:
            return Match(path)
        found = self._by_end(path, str)
        if len(found) == 1:
            return Match(found[0], by_end=True)
        if not found:
            alike = self._by_end(path, str.lower)
            if len(alike) == 1 and self._ignore_case:
                return Match(alike[0], by_end=True)
            if alike:
                return Match(None, False, "other_case", _other_case(path, alike, self._ignore_case))
        if found:
            several = ", ".join(map(repr, sorted(found)[:3]))
            return Match(None, False, "ambiguous_image", f"{path!r} could be {len(found):,} images: {several} ...")
        nearest = self._nearest(path)
        hint = f" The nearest that exists is {nearest!r}." if nearest else ""
        reason = f"The dataset has no image {path!r}. Paths are relative to its folder: split/class/file.{hint}"
        return Match(None, False, "unknown_image", reason)

    def _by_end(self, path: str, fold: Callable[[str], str]) -> list[str]:
        """Keys that end with the path, or with which the path ends; compared after ``fold``."""
        same_name, folded = self._of_name(path), fold(path)
        longer = [key for key in same_name if fold(key).endswith("/" + folded) or fold(key) == folded]
        return longer or [key for key in same_name if folded.endswith("/" + fold(key))]

    def _of_name(self, path: str) -> list[str]:
        if self._names is None:
            self._names = defaultdict(list)
            for key in self._keys:
                self._names[_base(key)].append(key)
        return self._names.get(_base(path), [])

    def _nearest(self, path: str) -> str | None:
        """The most alike of the images of that name."""
        candidates = self._of_name(path)[:MAX_COMPARED]
        if not candidates or self._compared >= MAX_NEAREST:
            return None
        self._compared += 1
        matcher = SequenceMatcher(None, "", path[:500], autojunk=False)

        def alike(key: str) -> float:
            matcher.set_seq1(key[:500])
            return matcher.ratio()

        return max(candidates, key=alike)


def _base(path: str) -> str:
    return path.rsplit("/", 1)[-1].lower()


def _other_case(path: str, alike: list[str], ignoring: bool) -> str:
    if ignoring:
        return f"{path!r} could be {len(alike):,} images that differ in case alone, such as {alike[0]!r}."
    return (
        f"The dataset has no image {path!r}, but {alike[0]!r}: only upper and lower case differ. If they are the same "
        "images, import the file again and ignore case."
    )
