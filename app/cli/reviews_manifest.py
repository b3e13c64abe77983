"""``winnow reviews manifest``: a tagged manifest that was edited elsewhere, as answers of one reviewer."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from app.adapters.files import write_atomically
from app.cli.environment import Subparsers, open_database, settings_from
from app.cli.local_actor import ensure_owner, owner_access
from app.db.session import Session
from app.domain.errors import InvalidInput
from app.domain.formats.csv_lines import exact_writer
from app.domain.manifest_differences import Kind
from app.services import audit
from app.services.answer_for import access_for
from app.services.compare_manifest import COLUMNS, Comparison, as_table, compare_manifest
from app.services.manifest_imports import Applied, apply_comparison

SHOWN = 20
"""So many rows are printed; ``--output`` has all."""


def add_manifest_parser(actions: Subparsers) -> None:
    parser = actions.add_parser(
        "manifest", help="compare an edited tagged manifest with the project, and apply it",
        description="Compare a tagged manifest that was edited elsewhere with the project: what would be new, "
        "changed, unchanged or refused. Nothing is changed without --apply.",
    )  # fmt: skip
    parser.add_argument("file", type=Path, metavar="FILE", help="the manifest: CSV with commas, semicolons or tabs")
    parser.add_argument("--project", required=True)
    parser.add_argument("--reviewer", required=True, metavar="NAME", help="whose answers its rows are")
    parser.add_argument("--create-reviewer", "--create_reviewer", action="store_true",
                        help="add an unknown reviewer as a user who can't sign in")  # fmt: skip
    parser.add_argument("--output", type=Path, metavar="CSV", help="write every row with what becomes of it")
    parser.add_argument("--apply", action="store_true", help="keep the answers; all or none")
    parser.add_argument("--skip-refused", "--skip_refused", action="store_true",
                        help="apply the others where rows are refused or were answered later")  # fmt: skip
    parser.add_argument("--over-later", "--over_later", action="store_true",
                        help="let rows count over answers given after they were exported")  # fmt: skip
    parser.add_argument("--data-dir", "--data_dir", type=Path)
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.set_defaults(run=run)


@dataclass(frozen=True)
class _Outcome:
    comparison: Comparison
    applied: Applied | None
    held: int
    """Rows for whose sake nothing was applied."""


def run(args: argparse.Namespace) -> int:
    try:
        data = args.file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{args.file} can't be read: {error.strerror}.") from None
    database = open_database(settings_from(args))
    ensure_owner(database)
    with database.writing() as session:
        outcome = _compare(session, args, data)
        if outcome.applied is None:
            session.rollback()  # a reviewer who was made for it goes, too
    if args.output:
        _write(args.output, outcome.comparison)
    if args.json:
        print(json.dumps(_as_json(args, outcome)))
    else:
        _print(args, outcome)
    return 2 if args.apply and outcome.applied is None else 0


def _compare(session: Session, args: argparse.Namespace, data: bytes) -> _Outcome:
    owner = owner_access(session, args.project)
    person = access_for(session, owner, args.reviewer, create=args.create_reviewer)
    found = compare_manifest(session, owner, person.actor.user_id, data)
    held = found.counts[Kind.REFUSED] + (0 if args.over_later else found.counts[Kind.LATER])
    if not args.apply or (held and not args.skip_refused):
        return _Outcome(found, None, held)
    digest = hashlib.sha256(data).hexdigest()
    # The same file over a project that changed since is another step; the same again finds nothing to change.
    batch = f"manifest-{digest[:20]}-{found.digest}"
    done = apply_comparison(session, person, found, batch_id=batch, over_later=args.over_later)
    audit.record(
        session, "manifest_applied", user_id=owner.actor.user_id, project_id=owner.id, file=args.file.name,
        reviewer=person.actor.username, sha256=digest, **vars(done),
    )  # fmt: skip
    return _Outcome(found, done, 0)


def _write(path: Path, comparison: Comparison) -> None:
    text = io.StringIO(newline="")
    writer = exact_writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(as_table(comparison.differences))
    try:
        write_atomically(path, lambda stream: stream.write(text.getvalue().encode()))
    except OSError as error:
        raise InvalidInput(f"--output {path} can't be written: {error.strerror}.") from None


def _as_json(args: argparse.Namespace, outcome: _Outcome) -> dict[str, object]:
    found = outcome.comparison
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in as_table(found.differences)]
    applied = asdict(outcome.applied) if outcome.applied else None
    return {"project": args.project, "counts": found.counts, "applied": applied, "rows": rows}


def _print(args: argparse.Namespace, outcome: _Outcome) -> None:
    found = outcome.comparison
    told = ", ".join(f"{count:,} {kind}" for kind, count in found.counts.items())
    print(f"{len(found.differences):,} rows: {told}")
    shown = [row for row in as_table(found.differences) if row[2] != Kind.UNCHANGED.value]
    for line, image, what, before, after, why in shown[:SHOWN]:
        print(f"  line {line}: {what:<8} {image}: {before or '-'} -> {after or '-'}{f'  ({why})' if why else ''}")
    if len(shown) > SHOWN:
        print(f"  and {len(shown) - SHOWN:,} more; --output writes all")
    if outcome.applied:
        done = outcome.applied
        print(f"Applied: {done.new:,} new, {done.changed:,} changed; {done.left_out:,} left out")
    elif args.apply:
        print(
            f"winnow: nothing was applied, because {outcome.held:,} rows are refused or were answered later. "
            "Mend them, or add --skip-refused.", file=sys.stderr,
        )  # fmt: skip
    else:
        print("Nothing was changed. Add --apply to keep these answers.")
