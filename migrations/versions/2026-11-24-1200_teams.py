"""Reviews needed by sample, check samples with a known answer, comments and who is named in them

Revision: 0008_teams
Follows: 0007_duplicate_groups
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0008_teams"
down_revision = "0007_duplicate_groups"
branch_labels = None
depends_on = None


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete="RESTRICT")


def upgrade() -> None:
    op.add_column("sample_states", sa.Column("needed", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("reviews", sa.Column("is_check", sa.Boolean(), nullable=False, server_default=sa.false()))
    _fill_needed()
    op.create_table(
        "check_samples",
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("new_label", sa.String(length=300), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("added_by", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        _reference("check_samples", "sample_id", "samples"),
        _reference("check_samples", "project_id", "projects"),
        _reference("check_samples", "added_by", "users"),
        sa.PrimaryKeyConstraint("sample_id", name=op.f("pk_check_samples")),
    )
    op.create_index("ix_check_samples_project", "check_samples", ["project_id", "sample_id"])
    op.create_table(
        "comments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("client_event_id", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        _reference("comments", "project_id", "projects"),
        _reference("comments", "sample_id", "samples"),
        _reference("comments", "author_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        sa.UniqueConstraint("client_event_id", name=op.f("uq_comments_client_event_id")),
    )
    op.create_index("ix_comments_sample", "comments", ["sample_id", "id"])
    op.create_table(
        "mentions",
        sa.Column("comment_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        _reference("mentions", "comment_id", "comments"),
        _reference("mentions", "user_id", "users"),
        _reference("mentions", "project_id", "projects"),
        sa.PrimaryKeyConstraint("comment_id", "user_id", name=op.f("pk_mentions")),
    )
    op.create_index("ix_mentions_user", "mentions", ["user_id", "project_id", "read_at"])


def _fill_needed() -> None:
    """Every sample needs what its project asks for; until now there was no share with more."""
    connection = op.get_bind()
    for project_id, raw in connection.execute(sa.text("SELECT id, policies FROM projects")).all():
        policies = json.loads(raw) if isinstance(raw, str) else raw
        values = {"needed": max(1, int(policies.get("min_submitted", 1))), "project": project_id}
        text = "UPDATE sample_states SET needed = :needed WHERE project_id = :project AND needed <> :needed"
        connection.execute(sa.text(text), values)


def downgrade() -> None:
    # Comments, mentions and check samples are lost. Answers on check samples stay, and count like any other.
    for name in ("mentions", "comments", "check_samples"):
        op.drop_table(name)
    op.drop_column("reviews", "is_check")
    op.drop_column("sample_states", "needed")
