"""Options of ``winnow import`` that say which column of a table is which of ours."""

from __future__ import annotations

import argparse

from app.db.session import Session
from app.domain.errors import InvalidInput
from app.domain.formats.flagged.column_mapping import FIELDS, SAME_FOR_ALL, ColumnMapping, ScoreDirection, make_mapping
from app.services.import_presets import load_preset, save_preset
from app.services.projects import Access


def add_mapping(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("columns of a table that is no known export")
    group.add_argument(
        "--map", action="append", default=[], metavar="FIELD=COLUMN", help=f"our field: {', '.join(FIELDS)}"
    )
    group.add_argument(
        "--constant", action="append", default=[], metavar="FIELD=TEXT",
        help=f"the same for all rows: {', '.join(SAME_FOR_ALL)}",
    )  # fmt: skip
    group.add_argument(
        "--score-direction", "--score_direction", choices=[direction.value for direction in ScoreDirection], default="",
        help="which end of the confidence's column means a problem; default: higher-is-worse",
    )  # fmt: skip
    group.add_argument("--preset", default="", metavar="NAME", help="the mapping that the project keeps by this name")
    group.add_argument(
        "--save-preset", "--save_preset", default="", metavar="NAME", help="keep the mapping by this name"
    )


def read_mapping(args: argparse.Namespace, session: Session, access: Access) -> ColumnMapping | None:
    """The mapping that the options give, kept where they say so; None where they give none.

    Raises:
        InvalidInput: it makes no sense.
        NotFound: there is no such preset.
    """
    columns, constants = _pairs("--map", args.map), _pairs("--constant", args.constant)
    is_given = bool(columns or constants or args.score_direction)
    if args.preset and is_given:
        raise InvalidInput("--preset is a whole mapping: leave out --map, --constant and --score-direction.")
    if args.preset:
        return load_preset(session, access, args.preset)
    if not is_given:
        if args.save_preset:
            raise InvalidInput("--save-preset keeps a mapping: say with --map which column is which.")
        return None
    if args.format:
        raise InvalidInput("--format reads a known export; leave it out where --map says which column is which.")
    mapping = make_mapping(columns, constants, direction=args.score_direction, percent=args.confidence_in_percent)
    if args.save_preset:
        save_preset(session, access, args.save_preset, mapping)
    return mapping


def _pairs(option: str, given: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not value.strip():
            raise InvalidInput(f"{option} takes FIELD=VALUE, such as {option} issue_type=mislabel; not {text!r}.")
        if name.strip() in found:
            raise InvalidInput(f"{option} gives {name.strip()} twice.")
        found[name.strip()] = value
    return found
