"""Prometheus' text format, version 0.0.4: families of figures with labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """Figures of one name. Each sample is (suffix of the name, labels, value)."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: Sequence[tuple[str, Labels, float]]


def gauge(name: str, help_: str, samples: Iterable[tuple[Labels, float]]) -> Family:
    return Family(name, "gauge", help_, [("", labels, value) for labels, value in samples])


def counter(name: str, help_: str, samples: Iterable[tuple[Labels, float]]) -> Family:
    return Family(name, "counter", help_, [("", labels, value) for labels, value in samples])


def write_text(families: Iterable[Family]) -> str:
    lines: list[str] = []
    for family in families:
        lines.append(f"# HELP {family.name} {_escaped(family.help)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines += [
            f"{family.name}{suffix}{_braces(labels)} {_number(value)}" for suffix, labels, value in family.samples
        ]
    return "\n".join(lines) + "\n"


def _braces(labels: Labels) -> str:
    inside = ",".join(f'{name}="{_escaped(value, quote=True)}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _escaped(text: str, *, quote: bool = False) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quote else text


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
