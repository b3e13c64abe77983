"""Versions can be put away: they and their files stay, and lists show them apart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_archived_versions"
down_revision = "0009_bulk_decisions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("versions", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("versions", "archived_at")
