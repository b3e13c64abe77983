"""Files of class names: a name a line, ``n01440764 tench`` with a name to read, or JSON as frameworks write it.

The order is the dataset's own coding: the first class is 0. ImageNet's ``LOC_synset_mapping.txt``,
``imagenet_class_index.json``, ``classes.txt`` and ``labels.json`` of other tools are read alike.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.domain.errors import InvalidFile

_WNID = re.compile(r"(n\d{8})[\s,]+(\S.*)")
LONGEST = 300


@dataclass(frozen=True)
class ClassNames:
    """Class names in the dataset's own order, and names to read for those that have one."""

    names: Sequence[str] = ()
    titles: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.names)

    def label(self, raw: object) -> str:
        """The class that a label means: by name, or by number where there are names to number.

        Raises:
            LookupError: a number beyond the last class.
        """
        text = str(raw).strip()
        if text in self._known or not self.names or not _is_number(text):
            return text
        number = int(text)
        if number == -1:
            return ""  # how test sets without labels are written
        if not 0 <= number < len(self.names):
            raise LookupError(text)
        return self.names[number]


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 12


def read_class_names(text: str, name: str) -> ClassNames:
    """Read a file of class names.

    Raises:
        InvalidFile: it has none, one twice, or one that can't be kept.
    """
    stripped = text.lstrip()
    rows = _from_json(stripped, name) if stripped[:1] in ("{", "[") else _from_lines(text)
    if not rows:
        raise InvalidFile(f"{name} has no class names. Write one a line, in the dataset's own order.")
    repeated = [key for key, count in Counter(key for key, _ in rows).items() if count > 1]
    if repeated:
        raise InvalidFile(f"{name} names {repeated[0]!r} twice.")
    for key, title in rows:
        if not key or len(key) > LONGEST or not key.isprintable() or len(title) > LONGEST or not title.isprintable():
            raise InvalidFile(f"{name} has a name that can't be kept: {key[:60]!r}. A name is one line.")
    return ClassNames([key for key, _ in rows], {key: title for key, title in rows if title and title != key})


def _from_lines(text: str) -> list[tuple[str, str]]:
    lines = [line.strip() for line in text.splitlines()]
    return [_split(line) for line in lines if line]


def _split(line: str) -> tuple[str, str]:
    """A WordNet id with a name after it, ``name<tab>title``, or a name alone."""
    if found := _WNID.fullmatch(line):
        return found[1], found[2].strip()
    key, _, title = line.partition("\t")
    return key.strip(), title.strip()


def _from_json(text: str, name: str) -> list[tuple[str, str]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidFile(f"{name} is not JSON: {error}.") from None
    if isinstance(value, dict):
        if all(_is_number(key) for key in value):
            value = [value[key] for key in sorted(value, key=int)]
        else:
            return [(str(key), _title(title)) for key, title in value.items()]
    if not isinstance(value, list):
        raise InvalidFile(f"{name} is no list of class names.")
    return [_json_row(item) for item in value]


def _json_row(item: Any) -> tuple[str, str]:
    if isinstance(item, list) and item and all(isinstance(part, str) for part in item):
        return item[0], item[1] if len(item) > 1 else ""
    return str(item), ""


def _title(value: Any) -> str:
    """``{"n01440764": "tench"}``; ``{"cat": 0}`` numbers the classes and names nothing."""
    return value if isinstance(value, str) else ""
