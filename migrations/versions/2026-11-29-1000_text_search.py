"""Indexes for a part of a text; the surest and the least sure flag of a sample in the orders by class and by time."""

# ruff: noqa: S608 - all names in the statements are those below
from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0018_text_search"
down_revision = "0017_open_samples"
branch_labels = None
depends_on = None

logger = logging.getLogger(__name__)

_STATES = "sample_states"
_BOUNDS = ("surest", "least_sure")
_BY_CLASS: list[Any] = ["project_id", "given_label", sa.text("priority DESC"), sa.text("sample_id DESC")]
_BY_TIME: list[Any] = ["project_id", "changed_at", "sample_id"]
_BEFORE: dict[str, list[Any]] = {
    "ix_sample_states_list_class": ["project_id", "given_label", "priority", "sample_id"],
    "ix_sample_states_open_class": _BY_CLASS,
    "ix_sample_states_list_newest": _BY_TIME,
    "ix_sample_states_open_newest": _BY_TIME,
}

# Which texts are indexed: by the name of the index, the table, the column, and what a row must say to have one.
_TEXTS = {
    "reason_grams": ("flags", "reason", "{row}.reason IS NOT NULL"),
    "note_grams": ("reviews", "note", "{row}.note <> ''"),
}
_KEYS = "key_grams"
_POSTGRES = {
    "ix_flags_reason_grams": "flags USING gin (reason gin_trgm_ops)",
    "ix_samples_key_grams": "samples USING gin (key gin_trgm_ops)",
    "ix_reviews_note_grams": "reviews USING gin (note gin_trgm_ops) WHERE note <> ''",
}


def upgrade() -> None:
    for name in _BOUNDS:
        op.add_column(_STATES, sa.Column(name, sa.Double(), nullable=True))
    # Alembic's databases may be large: one pass over an index of the flags, and none where there are no flags.
    op.execute(
        "UPDATE sample_states SET "
        "surest = (SELECT max(confidence) FROM flags WHERE flags.sample_id = sample_states.sample_id), "
        "least_sure = (SELECT min(confidence) FROM flags WHERE flags.sample_id = sample_states.sample_id)"
    )
    for name in _BEFORE:
        op.drop_index(name, _STATES)
        _create(name, [*(_BY_CLASS if name.endswith("class") else _BY_TIME), *_BOUNDS])
    if op.get_bind().dialect.name == "sqlite":
        _index_sqlite()
    else:
        _index_postgres()


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _forget_sqlite()
    else:
        for name in _POSTGRES:
            op.execute(f"DROP INDEX IF EXISTS {name}")  # the extension stays: others may use it
    for name, columns in _BEFORE.items():
        op.drop_index(name, _STATES)
        _create(name, columns)
    # Not by a batch, which would make the table anew: SQLite drops columns that no index has.
    for name in _BOUNDS:
        op.drop_column(_STATES, name)


def _create(name: str, columns: list[Any]) -> None:
    only = sa.text("state = 'open'") if "_open_" in name else None
    op.create_index(name, _STATES, columns, sqlite_where=only, postgresql_where=only)


def _index_sqlite() -> None:
    """Tables of three characters each, which hold no text of their own, and triggers that keep them up."""
    if not op.get_bind().exec_driver_sql("SELECT sqlite_compileoption_used('ENABLE_FTS5')").scalar():
        logger.warning("this SQLite has no FTS5: searching by text looks at every sample")
        return
    for name in (_KEYS, *_TEXTS):
        op.execute(f"CREATE VIRTUAL TABLE {name} USING fts5(words, tokenize='trigram', content='', columnsize=0)")
    for name, (table, column, has_text) in _TEXTS.items():
        _keep_up(name, table, column, has_text)
        op.execute(
            f"INSERT INTO {name}(rowid, words) SELECT id, {column} FROM {table} WHERE {has_text.format(row=table)}"
        )
    put = f"INSERT INTO {_KEYS}(rowid, words) SELECT id, key FROM samples WHERE id = new.sample_id"
    drop = f"INSERT INTO {_KEYS}({_KEYS}, rowid, words) SELECT 'delete', id, key FROM samples WHERE id = old.sample_id"
    op.execute(f"CREATE TRIGGER {_KEYS}_new AFTER INSERT ON {_STATES} BEGIN {put}; END")
    op.execute(f"CREATE TRIGGER {_KEYS}_gone AFTER DELETE ON {_STATES} BEGIN {drop}; END")
    op.execute(f"INSERT INTO {_KEYS}(rowid, words) SELECT id, key FROM samples JOIN {_STATES} ON sample_id = id")


def _keep_up(name: str, table: str, column: str, has_text: str) -> None:
    is_new, was_there = has_text.format(row="new"), has_text.format(row="old")
    put = f"INSERT INTO {name}(rowid, words) VALUES (new.id, new.{column})"
    drop = f"INSERT INTO {name}({name}, rowid, words) VALUES ('delete', old.id, old.{column})"
    changed = f"new.{column} IS NOT old.{column}"
    op.execute(f"CREATE TRIGGER {name}_new AFTER INSERT ON {table} WHEN {is_new} BEGIN {put}; END")
    op.execute(f"CREATE TRIGGER {name}_gone AFTER DELETE ON {table} WHEN {was_there} BEGIN {drop}; END")
    for end, when, action in (("changed_from", was_there, drop), ("changed_to", is_new, put)):
        head = f"CREATE TRIGGER {name}_{end} AFTER UPDATE OF {column} ON {table} WHEN {changed} AND {when}"
        op.execute(f"{head} BEGIN {action}; END")


def _forget_sqlite() -> None:
    ends = ("new", "gone", "changed_from", "changed_to")
    for name in (_KEYS, *_TEXTS):
        for end in ends:
            op.execute(f"DROP TRIGGER IF EXISTS {name}_{end}")
        op.execute(f"DROP TABLE IF EXISTS {name}")


def _index_postgres() -> None:
    """Indexes of the extension pg_trgm, which an owner of a database may create since PostgreSQL 13."""
    bind = op.get_bind()
    try:
        with bind.begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.DBAPIError as error:
        logger.warning("pg_trgm can't be created (%s): searching by text looks at every sample", error.orig)
        return
    for name, what in _POSTGRES.items():
        op.execute(f"CREATE INDEX {name} ON {what}")
