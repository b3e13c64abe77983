"""Imports say which format they were read as; flags keep the detector's own score beside the confidence made of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011_recognised_formats"
down_revision = "0010_archived_versions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("format", sa.String(length=40), nullable=False, server_default="guide"))
    op.add_column("imports", sa.Column("ignore_case", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("flags", sa.Column("raw_score", sa.Double(), nullable=True))
    op.add_column("flags", sa.Column("raw_score_name", sa.String(length=100), nullable=True))


def downgrade() -> None:
    op.drop_column("flags", "raw_score_name")
    op.drop_column("flags", "raw_score")
    op.drop_column("imports", "ignore_case")
    op.drop_column("imports", "format")
