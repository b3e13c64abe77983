"""The report's page: rendered from templates that lie beside this module, so that an installed package has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import BinaryIO

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from app.deliverables.content import VersionContent
from app.deliverables.deliverable import Pictures
from app.deliverables.report.context import make_report
from app.domain.retraining.verdicts import tell_p

TEMPLATES = Path(__file__).with_name("templates")


def write_report(stream: BinaryIO, content: VersionContent, pictures: Pictures) -> None:
    """One HTML page that loads nothing and runs nothing. The same content and pictures give the same bytes."""
    report = make_report(content, pictures)
    template = report_template("report.html")
    # A name from a file system can hold what UTF-8 cannot.
    stream.write(template.render(report=report).encode("utf-8", "replace"))


def report_template(name: str) -> Template:
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(("html",)), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(number=_number, share=_share, fine=_fine, point=_point, span=_span, p=tell_p)
    return environment


def _number(value: int) -> str:
    return f"{value:,}"


def _share(value: float) -> str:
    """A share as people read it: small ones keep a digit that tells them from nothing."""
    return f"{value:.1%}" if value >= 0.0995 or value == 0 else f"{value:.2%}"


def _fine(value: float) -> str:
    return f"{value:.2f}"


def _point(share: float, sign: bool) -> str:
    """Percent, or points of percent with their sign."""
    return f"{100 * share:+.2f}" if sign else f"{100 * share:.2f}"


def _span(interval: Mapping[str, float], sign: bool = True) -> str:
    if math.isnan(interval["low"]):
        return "–"
    return f"{_point(interval['low'], sign)} to {_point(interval['high'], sign)}"
