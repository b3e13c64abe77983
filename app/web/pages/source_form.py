"""The fields in which people say how a source is read, on the pages that make a project or add a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from app.domain.source_options import OPTIONS, Option
from app.domain.sources import SourceKind

LONGEST = 4096


@dataclass(frozen=True)
class KindView:
    name: str
    label: str
    hint: str


@dataclass(frozen=True)
class SourceForm:
    """``given`` is what somebody typed before an error."""

    kinds: list[KindView]
    options: list[Option]
    given: Mapping[str, str] = field(default_factory=dict)


def make_source_form(given: Mapping[str, str] | None = None) -> SourceForm:
    options = {option.name: option for kind in OPTIONS.values() for option in kind}
    kinds = [KindView(kind.value, kind.label, kind.hint) for kind in SourceKind]
    return SourceForm(kinds, list(options.values()), given or {})


async def read_source_form(request: Request) -> dict[str, str]:
    """The fields that are text, each cut off where nothing sensible is that long."""
    form = await request.form()
    return {name: value[:LONGEST] for name, value in form.items() if isinstance(value, str)}


SourceFormDep = Annotated[dict[str, str], Depends(read_source_form)]
"""Read before the route runs, which then may wait for the database without holding others up."""


def options_of(form: Mapping[str, str]) -> dict[str, str]:
    """What was said beside the folder and the kind."""
    return {name: form[name] for kind in OPTIONS.values() for name in (option.name for option in kind) if name in form}
