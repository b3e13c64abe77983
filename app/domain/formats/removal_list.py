"""The removal list: one id a line and nothing else, so that ``set(int(l) for l in f)`` reads integer ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from app.domain.errors import InvalidFile


def write_removal_list(stream: TextIO, ids: Iterable[str]) -> int:
    """Write the ids sorted, each once; return how many.

    Raises:
        InvalidFile: an id is blank or holds a line break, which would make two of one.
    """
    unique = sorted(set(ids))
    for id_ in unique:
        if not id_.strip() or id_.splitlines() != [id_]:
            raise InvalidFile(f"The id {id_!r} can't stand on a line of its own; rename the file it names.")
        stream.write(f"{id_}\n")
    return len(unique)


def read_removal_list(stream: TextIO) -> list[str]:
    """Read the ids back, in order.

    Raises:
        InvalidFile: a line is empty, or an id stands there twice. Never train on a list that did not parse.
    """
    ids: dict[str, int] = {}
    for number, line in enumerate(stream, 1):
        id_ = line.removesuffix("\n").removesuffix("\r")
        if not id_.strip():
            raise InvalidFile(f"Line {number} of the removal list is empty.")
        if id_ in ids:
            raise InvalidFile(f"Line {number} repeats {id_!r} of line {ids[id_]}.")
        ids[id_] = number
    return list(ids)
