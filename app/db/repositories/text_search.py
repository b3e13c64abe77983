"""Finding samples by a part of their path, of a flag's reason or of a note: by an index of three characters each.

SQLite keeps such an index in tables of its own (FTS5), which triggers fill; PostgreSQL in indexes of the extension
``pg_trgm``. Either may be missing where a library was built without it, or nobody may create the extension: then every
sample is looked at, with the same answer (docs/decisions/0062-text-search.md).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, column, func, literal_column, or_, select, table, union

from app.db.models.imports import FlagRow
from app.db.models.projects import Sample
from app.db.models.reviews import ReviewRow, SampleState

FEW = 5_000
"""So many samples are looked up by what they say; where there are more, the next in order is near."""

_LOOKED_AT, _COMMON = 2_000, 40
"""Words that more than so many of the first rows have are taken for common ones."""

SHORTEST = 3
"""Characters that the indexes know nothing shorter than."""

_INDEXED: dict[str, Any] = {
    "sqlite": select(literal_column("1")).select_from(table("sqlite_master")).where(
        literal_column("name") == literal_column("'reason_grams'")
    ),
    "postgresql": select(literal_column("1")).where(
        func.to_regclass(literal_column("'ix_flags_reason_grams'")).is_not(None)
    ),
}  # fmt: skip


def like(text: str) -> str:
    """A text as a part of a pattern of ``LIKE`` with a backslash as its escape."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def says(words: str, *, are_common: bool = False) -> Any:
    """The condition that a sample's path, a reason or a note has these words, without an index of them.

    ``are_common`` keeps PostgreSQL from gathering all that have them before it looks at the first: it says, to no other
    effect, that no row is passed over.
    """
    pattern = f"%{like(words)}%"
    keyed, answer = Sample.__table__.alias(), ReviewRow.__table__.alias()

    def has(column: Any) -> Any:
        # With nothing added PostgreSQL takes its index of the text, and finds all 200,000 before it looks at the first.
        return column.concat("").ilike(pattern, escape="\\")

    rows = [
        select(keyed.c.id).where(keyed.c.id == SampleState.sample_id, has(keyed.c.key)),
        select(FlagRow.id).where(FlagRow.sample_id == SampleState.sample_id, has(FlagRow.reason)),
        select(answer.c.id).where(answer.c.sample_id == SampleState.sample_id, has(answer.c.note)),
    ]
    rows = [row.correlate(SampleState) for row in rows]
    return or_(*(row.offset(literal_column("0")).exists() if are_common else row.exists() for row in rows))


def can_be_indexed(words: str | None) -> bool:
    return words is not None and len(words) >= SHORTEST and "\0" not in words


def is_indexed(dialect: str) -> Any:
    """A query that finds something where the database has the index."""
    return _INDEXED[dialect]


def ids_that_say(dialect: str, words: str) -> Any:
    """Ids of all samples that have these words, by the index; for a query's ``IN``."""
    return union(*_matches(dialect, _phrase(words), f"%{like(words)}%"))


def beyond_few(dialect: str) -> list[Any]:
    """Queries any of which finds something where more than ``FEW`` may have the words (see ``parameters``)."""
    phrase: Any = bindparam("phrase")
    pattern: Any = bindparam("like")
    if dialect == "sqlite":
        rows = [select(_rowid).select_from(table(name)).where(_match(name, phrase)) for name in _GRAMS]
        return [query.offset(FEW).limit(1) for query in rows]
    # First a look at a few rows: to find 200,000 by the index and leave them takes PostgreSQL a fifth of a second.
    looks = [select(column.label("text")).limit(_LOOKED_AT).subquery() for column in (FlagRow.reason, Sample.key)]
    some: list[Any] = [select(literal_column("1")).where(look.c.text.ilike(pattern, escape="\\")) for look in looks]
    return [
        *(query.offset(_COMMON).limit(1) for query in some),
        *(query.offset(FEW).limit(1) for query in _matches(dialect, phrase, pattern)),
    ]


def parameters(words: str) -> dict[str, str]:
    """The values of the parameters of ``beyond_few``."""
    return {"phrase": _phrase(words), "like": f"%{like(words)}%"}


_GRAMS = ("key_grams", "reason_grams", "note_grams")
_rowid: Any = column("rowid")


def _phrase(words: str) -> str:
    return '"' + words.replace('"', '""') + '"'


def _match(name: str, phrase: Any) -> Any:
    return literal_column(name).op("MATCH")(phrase)


def _matches(dialect: str, phrase: Any, pattern: Any) -> list[Any]:
    """Of paths, reasons and notes: a query of the ids of the samples.

    The index of SQLite takes more characters for the same letter than ``LIKE`` does, so what it finds is compared.
    """
    samples, flags, notes = (model.__table__.alias() for model in (Sample, FlagRow, ReviewRow))
    rows = [
        (select(samples.c.id), samples.c.id, samples.c.key),
        (select(flags.c.sample_id), flags.c.id, flags.c.reason),
        (select(notes.c.sample_id).where(notes.c.note != literal_column("''")), notes.c.id, notes.c.note),
    ]
    found = []
    for name, (query, id_, text) in zip(_GRAMS, rows, strict=True):
        if dialect == "sqlite":
            query = query.where(id_.in_(select(_rowid).select_from(table(name)).where(_match(name, phrase))))
        found.append(query.where(text.ilike(pattern, escape="\\")))
    return found
