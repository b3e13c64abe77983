"""How often each source of flags was right, by which the queue is sorted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017_queue_by_evidence"
down_revision = "0015_import_previews"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_weights",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("issue_type", sa.String(length=20), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("right", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_source_weights_project_id_projects", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("project_id", "source", "issue_type", name="pk_source_weights"),
    )


def downgrade() -> None:
    op.drop_table("source_weights")
