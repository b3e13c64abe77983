"""Bulk decisions with the samples they were proved on, and what they settled

Revision: 0009_bulk_decisions
Follows: 0008_teams
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_bulk_decisions"
down_revision = "0008_teams"
branch_labels = None
depends_on = None

HISTORY = ("bulk_draws", "bulk_events", "bulk_samples")
"""Tables that can be added to, never changed or deleted."""

MESSAGE = "history is append-only"


def upgrade() -> None:
    _add_decisions()
    _add_draws()
    _add_events()
    _add_samples()
    for table in HISTORY:
        _protect(table)
    # With all columns that filters ask for, the indexes alone tell which flags are in a stratum.
    op.drop_index("ix_flags_project_type", table_name="flags")
    op.drop_index("ix_flags_sample", table_name="flags")
    op.create_index("ix_flags_stratum", "flags", ["project_id", "issue_type", "source", "confidence", "sample_id"])
    op.create_index("ix_flags_sample", "flags", ["sample_id", "issue_type", "confidence", "source"])


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete="RESTRICT")


def _add_decisions() -> None:
    op.create_table(
        "bulk_decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("over_bulk", sa.Boolean(), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("width", sa.Double(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("applied_event_id", sa.Integer(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _key("bulk_decisions", "project_id", "projects"),
        _key("bulk_decisions", "job_id", "jobs"),
        _key("bulk_decisions", "created_by", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_decisions")),
    )
    op.create_index("ix_bulk_decisions_project", "bulk_decisions", ["project_id", "id"])


def _add_draws() -> None:
    op.create_table(
        "bulk_draws",
        sa.Column("bulk_id", sa.Integer(), nullable=False),
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("new_label", sa.String(length=300), nullable=True),
        _key("bulk_draws", "bulk_id", "bulk_decisions"),
        _key("bulk_draws", "sample_id", "samples"),
        sa.PrimaryKeyConstraint("bulk_id", "sample_id", name=op.f("pk_bulk_draws")),
        sa.UniqueConstraint("bulk_id", "position", name=op.f("uq_bulk_draws_bulk_id_position")),
    )


def _add_events() -> None:
    op.create_table(
        "bulk_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("bulk_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("client_event_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _key("bulk_events", "project_id", "projects"),
        _key("bulk_events", "bulk_id", "bulk_decisions"),
        _key("bulk_events", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_events")),
        sa.UniqueConstraint("client_event_id", name=op.f("uq_bulk_events_client_event_id")),
    )
    op.create_index("ix_bulk_events_project", "bulk_events", ["project_id", "id"])
    op.create_index("ix_bulk_events_bulk", "bulk_events", ["bulk_id"])


def _add_samples() -> None:
    op.create_table(
        "bulk_samples",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bulk_id", sa.Integer(), nullable=False),
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("new_label", sa.String(length=300), nullable=True),
        _key("bulk_samples", "bulk_id", "bulk_decisions"),
        _key("bulk_samples", "sample_id", "samples"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_samples")),
        sa.UniqueConstraint("sample_id", "bulk_id", name=op.f("uq_bulk_samples_sample_id_bulk_id")),
    )
    op.create_index("ix_bulk_samples_bulk", "bulk_samples", ["bulk_id", "id"])


def _protect(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
            )
        return
    op.execute(  # the function came with 0002_append_only_history
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    # Bulk decisions and their evidence are lost; what they settled is open again. Reviews stay.
    op.execute(
        "UPDATE sample_states SET state = 'open', decision = NULL, new_label = NULL, tags = '[]', how = NULL, "
        "\"by\" = '[]', reason = 'not reviewed yet', version = version + 1 WHERE how = 'bulk'"
    )
    op.drop_index("ix_flags_sample", table_name="flags")
    op.drop_index("ix_flags_stratum", table_name="flags")
    op.create_index("ix_flags_sample", "flags", ["sample_id"])
    op.create_index("ix_flags_project_type", "flags", ["project_id", "issue_type", "confidence"])
    for table in ("bulk_samples", "bulk_events", "bulk_draws", "bulk_decisions"):
        op.drop_table(table)
