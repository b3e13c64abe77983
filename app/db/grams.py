"""SQLite's indexes of texts while rows come by the thousand: filled once, not by a trigger for each row.

Each row of a trigger makes FTS5 write what it has: 60 microseconds that 200,000 rows feel. The triggers are those of
the migration ``0018_text_search``; where there are none, because the library has no FTS5, nothing is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_MANY = 1_000
"""So many rows are worth putting the trigger aside."""

_LATER = {
    "flags": "INSERT INTO reason_grams(rowid, words) SELECT id, reason FROM flags WHERE id > ? AND reason IS NOT NULL",
    "reviews": "INSERT INTO note_grams(rowid, words) SELECT id, note FROM reviews WHERE id > ? AND note <> ''",
}
"""What indexes the rows of a table that came after a number."""

_NAMED = "INSERT INTO key_grams(rowid, words) SELECT id, key FROM samples WHERE id IN (SELECT value FROM json_each(?))"


@contextmanager
def texts_indexed_at_once(
    driver: Any, table: str, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> Iterator[None]:
    """Put the trigger of new rows aside while the block adds ``rows`` with the columns ``names``, and index them then.

    All of it is part of the transaction.
    """
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? AND name GLOB '*_grams_new'"
    triggers = driver.execute(query, (table,)).fetchall() if len(rows) >= _MANY else []
    if not triggers:
        yield
        return
    for name, _ in triggers:
        driver.execute(f'DROP TRIGGER "{name}"')
    (last,) = driver.execute(f"SELECT max(rowid) FROM {table}").fetchone()  # noqa: S608 - one of our own
    yield
    if table in _LATER:
        driver.execute(_LATER[table], (last or 0,))
    else:
        place = names.index("sample_id")
        driver.execute(_NAMED, (json.dumps([row[place] for row in rows]),))
    for _, sql in triggers:
        driver.execute(sql)
