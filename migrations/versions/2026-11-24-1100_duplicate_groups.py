"""Duplicate groups, with the images that nobody flagged

Revision: 0007_duplicate_groups
Follows: 0006_orders_and_views
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_duplicate_groups"
down_revision = "0006_orders_and_views"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duplicate_members",
        sa.Column("project_id", sa.Integer(), sa.ForeignKey("projects.id", ondelete="RESTRICT"), primary_key=True),
        sa.Column("cluster", sa.String(length=200), primary_key=True),
        sa.Column("sample_id", sa.Integer(), sa.ForeignKey("samples.id", ondelete="RESTRICT"), primary_key=True),
    )
    op.create_index("ix_duplicate_members_sample", "duplicate_members", ["sample_id"])
    # Groups that an export named; those that follow from reasons come with the next import.
    op.execute(
        'INSERT INTO duplicate_members (project_id, cluster, sample_id) SELECT DISTINCT project_id, "group", sample_id '
        'FROM flags WHERE "group" IS NOT NULL'
    )


def downgrade() -> None:
    # Groups follow from the flags: the next import makes them again.
    op.drop_table("duplicate_members")
