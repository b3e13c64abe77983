"""Listings of a project's folder, and every file that one passed over

Revision: 0003_passed_over
Follows: 0002_append_only_history
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_passed_over"
down_revision = "0002_append_only_history"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("passed_over", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_listings_project_id_projects"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listings")),
    )
    op.create_index("ix_listings_project", "listings", ["project_id", "id"])
    op.create_table(
        "passed_over_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("listing_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listings.id"], name=op.f("fk_passed_over_files_listing_id_listings"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passed_over_files")),
    )
    op.create_index("ix_passed_over_files_listing", "passed_over_files", ["listing_id", "reason", "id"])


def downgrade() -> None:
    # What they hold is lost, and is there again after the folder is listed once more.
    op.drop_table("passed_over_files")
    op.drop_table("listings")
