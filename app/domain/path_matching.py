"""Which image of a dataset a path from elsewhere means: the same path, or the same end of it where that is unique.

A path may begin higher up than the dataset does (``/data/cifar/train/cat/1.png``) or further down (``cat/1.png``). Two
paths that merely end alike are never the same: ``train/cat/1.png`` is not ``test/cat/1.png``.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

MAX_COMPARED, MAX_NEAREST = 20, 2_000
"""So many images is one unknown path compared with, and so many unknown paths of an import are compared at all."""

ALIKE = 0.6
"""So alike must the name of an image be to be told of where its name is another, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Match:
    """The image's key, or why there is none; ``by_end`` where only the path's end is the same.

    ``but_for_case`` is the one key that would be found if upper and lower case did not count.
    """

    key: str | None
    by_end: bool = False
    code: str = ""
    reason: str = ""
    but_for_case: str | None = None


class PathMatcher:
    """Finds keys. What it needs besides ``keys`` is made when the first path is not found as it stands."""

    def __init__(self, keys: Collection[str], *, ignore_case: bool = False) -> None:
        self._keys, self._ignore_case = keys, ignore_case
        self._names: dict[str, list[str]] | None = None
        self._folders: dict[str, _Folder] | None = None
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
                only = alike[0] if len(alike) == 1 else None
                return Match(None, False, "other_case", _other_case(path, alike, self._ignore_case), only)
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
        """The most alike of the images of that name, else of its folder's, if one's name is nearly the same."""
        if self._compared >= MAX_NEAREST:
            return None
        if candidates := self._of_name(path)[:MAX_COMPARED]:
            self._compared += 1
            return _most_alike(candidates, path, str)[0]
        if beside := self._beside(path):
            self._compared += 1
            key, likeness = _most_alike(beside, _stem(path), _stem)
            return key if likeness >= ALIKE else None
        return None

    def _beside(self, path: str) -> list[str]:
        """Images of the path's folder whose names begin or end like its own: a slip leaves one of both as it was.

        The path's folder may begin higher up than the dataset does.
        """
        if self._folders is None:
            folders: dict[str, list[str]] = defaultdict(list)
            for key in self._keys:
                folders[_folder(key)].append(key)
            self._folders = {folder: _Folder(keys) for folder, keys in folders.items()}
        folder = _folder(path)
        while folder not in self._folders:
            _, slash, folder = folder.partition("/")
            if not slash:
                return []
        return self._folders[folder].around(_stem(path), MAX_COMPARED // 4)


class _Folder:
    """A folder's images in the order of their names, and of their names from behind; sorted once somebody asks."""

    def __init__(self, keys: list[str]) -> None:
        self._keys = keys
        self._sorted: list[list[tuple[str, str]]] = []

    def around(self, stem: str, most: int) -> list[str]:
        """So many images on each side of where the name would stand, in both orders."""
        if not self._sorted:
            self._sorted = [
                sorted((_stem(key), key) for key in self._keys),
                sorted((_stem(key)[::-1], key) for key in self._keys),
            ]
        found = []
        for names, wanted in zip(self._sorted, (stem, stem[::-1]), strict=True):
            place = bisect(names, (wanted,))
            found += [key for _, key in names[max(0, place - most) : place + most]]
        return found


def _most_alike(keys: Iterable[str], text: str, part: Callable[[str], str]) -> tuple[str, float]:
    """The key whose part is most like the text, and how alike, from 0 to 1; of equal ones the first by name."""
    matcher = SequenceMatcher(None, "", text[:500], autojunk=False)  # it takes the product of both lengths

    def likeness(key: str) -> float:
        matcher.set_seq1(part(key)[:500])
        return matcher.ratio()

    likeness_of = {key: likeness(key) for key in sorted(keys)}
    best = max(likeness_of, key=likeness_of.__getitem__)
    return best, likeness_of[best]


def _folder(path: str) -> str:
    return path.rpartition("/")[0].lower()


def _stem(path: str) -> str:
    """A file's name without its ending, in lower case."""
    return _base(path).rpartition(".")[0] or _base(path)


def _base(path: str) -> str:
    return path.rsplit("/", 1)[-1].lower()


def _other_case(path: str, alike: list[str], ignoring: bool) -> str:
    if ignoring:
        return f"{path!r} could be {len(alike):,} images that differ in case alone, such as {alike[0]!r}."
    return (
        f"The dataset has no image {path!r}, but {alike[0]!r}: only upper and lower case differ. If they are the same "
        "images, import the file again and ignore case."
    )
