"""JSON read member by member, so that a large list never stands in memory as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from app.domain.errors import InvalidFile

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class JsonItem:
    """A member of the top level (``number`` 0), or item ``number`` (from 1) of a list in it.

    ``key`` is None for the items of a file that is one list. ``line`` is where the value begins.
    """

    key: str | None
    number: int
    value: Any
    line: int


class JsonItems:
    """Iterate over a file's members; those lists whose key is in ``lists`` come item by item.

    Iterating raises ``InvalidFile`` with line and column where the text is no JSON, is cut off, or nests too deeply.
    """

    def __init__(self, text: str, name: str, lists: frozenset[str] | None = frozenset()) -> None:
        self._text, self._name, self._lists = text, name, lists
        self._line, self._counted = 1, 0

    def __iter__(self) -> Iterator[JsonItem]:
        self._line, self._counted = 1, 0
        position = self._skip(0)
        if self._at(position) == "[":
            position = yield from self._list(None, position)
        elif self._at(position) == "{":
            position = yield from self._object(position)
        else:
            raise InvalidFile(f"{self._name} is not JSON: it begins with neither {{ nor [.")
        if self._skip(position) < len(self._text):
            raise self._wrong("something follows after the end", self._skip(position))

    def _object(self, position: int) -> Generator[JsonItem, None, int]:
        position = self._skip(position + 1)
        if self._at(position) == "}":
            return position + 1
        while True:
            key, position = self._decode(position)
            if not isinstance(key, str):
                raise self._wrong("a key is not a string", position)
            position = self._expect(":", position)
            if self._at(position) == "[" and (self._lists is None or key in self._lists):
                position = yield from self._list(key, position)
            else:
                line = self._line_of(position)
                value, position = self._decode(position)
                yield JsonItem(key, 0, value, line)
            position = self._skip(position)
            if self._at(position) == "}":
                return position + 1
            position = self._expect(",", position)

    def _list(self, key: str | None, position: int) -> Generator[JsonItem, None, int]:
        position, number = self._skip(position + 1), 0
        if self._at(position) == "]":
            return position + 1
        while True:
            number += 1
            line = self._line_of(position)
            value, position = self._decode(position, number)
            yield JsonItem(key, number, value, line)
            position = self._skip(position)
            if self._at(position) == "]":
                return position + 1
            position = self._expect(",", position)

    def _decode(self, position: int, number: int = 0) -> tuple[Any, int]:
        item = f" (item {number:,})" if number else ""
        try:
            return _DECODER.raw_decode(self._text, position)
        except json.JSONDecodeError as error:
            raise self._wrong(f"{error.msg}{item}", error.pos) from None
        except RecursionError:
            raise self._wrong(f"values nest too deeply{item}", position) from None
        except ValueError as error:  # a whole number with thousands of digits
            raise self._wrong(f"{error}{item}", position) from None

    def _expect(self, sign: str, position: int) -> int:
        position = self._skip(position)
        if self._at(position) != sign:
            raise self._wrong(f"{sign!r} is missing", position)
        return self._skip(position + 1)

    def _skip(self, position: int) -> int:
        found = _SPACE.match(self._text, position)
        return found.end() if found else position

    def _at(self, position: int) -> str:
        return self._text[position : position + 1]

    def _line_of(self, position: int) -> int:
        self._line += self._text.count("\n", self._counted, position)
        self._counted = position
        return self._line

    def _wrong(self, problem: str, position: int) -> InvalidFile:
        line = self._text.count("\n", 0, position) + 1
        column = position - self._text.rfind("\n", 0, position)
        ended = position >= len(self._text.rstrip()) or problem.startswith("Unterminated")
        cut = " The file ends too early: it was cut off." if ended else ""
        return InvalidFile(f"{self._name} is not JSON: {problem} in line {line:,}, column {column:,}.{cut}")
