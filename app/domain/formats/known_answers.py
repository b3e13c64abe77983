"""A list of samples with their known answers: ``key,decision,new_label``, one a line."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.errors import InvalidInput
from app.domain.formats.csv_lines import BrokenRecord, read_records
from app.domain.taxonomy import Decision

_HEADERS = ("key", "image_id", "image_path", "path", "id")
_DECISIONS = ", ".join(Decision)


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    line: int
    key: str
    decision: str
    new_label: str | None


def read_known_answers(text: str) -> list[KnownAnswer]:
    """Read the list. A header is not needed; a later line on the same sample is an error.

    Raises:
        InvalidInput: a line makes no sense; says which and why.
    """
    answers: dict[str, KnownAnswer] = {}
    for record in read_records(text, ","):
        if isinstance(record, BrokenRecord):
            raise InvalidInput(f"Line {record.line} is not CSV: {record.problem}.")
        fields = [field.strip() for field in record.fields]
        if not any(fields) or (record.line == 1 and fields[0].lower() in _HEADERS):
            continue
        answer = _answer(record.line, fields)
        if answer.key in answers:
            raise InvalidInput(f"Line {record.line}: {answer.key!r} stands on line {answers[answer.key].line} already.")
        answers[answer.key] = answer
    return list(answers.values())


def _answer(line: int, fields: list[str]) -> KnownAnswer:
    if not 2 <= len(fields) <= 3:
        raise InvalidInput(f"Line {line} has {len(fields)} fields; write key,decision or key,relabel,new label.")
    key, decision, label = fields[0], fields[1].lower(), fields[2] if len(fields) == 3 else ""
    if decision not in list(Decision):
        raise InvalidInput(f"Line {line}: {fields[1]!r} is no decision. The decisions are {_DECISIONS}.")
    if (decision == Decision.RELABEL.value) != bool(label):
        raise InvalidInput(f"Line {line}: a relabel, and nothing else, has a new label.")
    return KnownAnswer(line, key, decision, label or None)
