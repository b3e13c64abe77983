"""``--format``: reading an export as one format, where it is not recognised for what it is."""

from __future__ import annotations

import argparse

from app.domain.formats.flagged.recognise import FORMATS


def add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        choices=list(FORMATS),
        default="",
        help="read the export as this one; default: what it is",
    )
