"""Orders of the queue, answers to many samples at once, saved views

Revision: 0006_orders_and_views
Follows: 0005_leak_scores
"""

from __future__ import annotations

import zlib

import sqlalchemy as sa
from alembic import op

revision = "0006_orders_and_views"
down_revision = "0005_leak_scores"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_sample_states_queue_class": ["project_id", "state", "given_label", "priority", "sample_id"],
    "ix_sample_states_queue_path": ["project_id", "state", "sample_id"],
    "ix_sample_states_queue_random": ["project_id", "state", "shuffle", "sample_id"],
    "ix_sample_states_queue_dispute": ["project_id", "state", "dispute", "priority", "sample_id"],
    "ix_sample_states_queue_groups": ["project_id", "state", "cluster", "priority", "sample_id"],
    "ix_sample_states_list": ["project_id", "priority", "sample_id"],
    "ix_sample_states_list_class": ["project_id", "given_label", "priority", "sample_id"],
    "ix_sample_states_list_groups": ["project_id", "cluster", "priority", "sample_id"],
    "ix_sample_states_list_newest": ["project_id", "changed_at", "sample_id"],
}
_EPOCH = "1970-01-01 00:00:00"


def upgrade() -> None:
    states = "sample_states"
    op.add_column(states, sa.Column("given_label", sa.String(length=300), nullable=False, server_default=""))
    op.add_column(states, sa.Column("shuffle", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column(states, sa.Column("dispute", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(states, sa.Column("rivals", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(states, sa.Column("cluster", sa.String(length=200), nullable=False, server_default=""))
    op.add_column(
        states, sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, server_default=_EPOCH)
    )  # fmt: skip
    _fill()
    for name, columns in INDEXES.items():
        op.create_index(name, states, columns)
    op.add_column("review_events", sa.Column("batch_id", sa.String(length=64), nullable=True))
    given = sa.text("batch_id IS NOT NULL")
    op.create_index(
        "ix_review_events_batch", "review_events", ["batch_id", "reviewer_id"],
        sqlite_where=given, postgresql_where=given,
    )  # fmt: skip
    _add_views()


def _fill() -> None:
    """Give the samples that are in the queue already their places."""
    op.execute(
        "UPDATE sample_states SET given_label = (SELECT given_label FROM samples WHERE samples.id = sample_id), "
        "cluster = coalesce((SELECT min(\"group\") FROM flags WHERE flags.sample_id = sample_states.sample_id), ''), "
        "rivals = (SELECT CASE WHEN count(DISTINCT suggested_label) > 1 THEN 1 ELSE 0 END FROM flags "
        "WHERE flags.sample_id = sample_states.sample_id), "
        "changed_at = coalesce((SELECT max(updated_at) FROM reviews "
        "WHERE reviews.sample_id = sample_states.sample_id), changed_at)"
    )
    op.execute("UPDATE sample_states SET dispute = rivals")
    bind = op.get_bind()
    states = sa.table("sample_states", sa.column("sample_id"), sa.column("shuffle"))
    ids = bind.scalars(sa.select(states.c.sample_id)).all()
    rows = [{"id_": id_, "place": zlib.crc32(str(id_).encode())} for id_ in ids]
    if rows:
        change = states.update().where(states.c.sample_id == sa.bindparam("id_")).values(shuffle=sa.bindparam("place"))
        bind.execute(change, rows)


def _add_views() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("project_id", sa.Integer(), sa.ForeignKey("projects.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("created_by", sa.Integer(), sa.ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("query", sa.String(length=2000), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("project_id", "created_by", "name"),
    )


def downgrade() -> None:
    # Saved views are lost, and that answers were given together; the answers themselves stay.
    op.drop_table("saved_views")
    op.drop_index("ix_review_events_batch", table_name="review_events")
    op.drop_column("review_events", "batch_id")
    for name in INDEXES:
        op.drop_index(name, table_name="sample_states")
    for column in ("changed_at", "cluster", "rivals", "dispute", "shuffle", "given_label"):
        op.drop_column("sample_states", column)
