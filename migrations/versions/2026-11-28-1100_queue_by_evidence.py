"""How often each source of flags was right, by which the queue is sorted; samples picked on a map."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016_queue_by_evidence"
down_revision = "0015_import_previews"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_weights",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("issue_type", sa.String(length=20), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_source_weights_project_id_projects", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("project_id", "source", "issue_type", name="pk_source_weights"),
    )
    op.create_table(
        "picks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_picks_project_id_projects", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name="fk_picks_created_by_users", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_picks"),
    )
    op.create_index("ix_picks_project_id", "picks", ["project_id"])
    op.create_table(
        "picked_samples",
        sa.Column("pick_id", sa.Integer(), nullable=False),
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["pick_id"], ["picks.id"], name="fk_picked_samples_pick_id_picks", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["sample_id"], ["samples.id"], name="fk_picked_samples_sample_id_samples", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("pick_id", "sample_id", name="pk_picked_samples"),
    )


def downgrade() -> None:
    op.drop_table("picked_samples")
    op.drop_table("picks")
    op.drop_table("source_weights")
