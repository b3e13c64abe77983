"""Tagged manifests that come back: the file, in whose name, and whether it was applied or discarded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_manifest_imports"
down_revision = "0012_dataset_sources"
branch_labels = None
depends_on = None

TABLE = "manifest_imports"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(length=300), nullable=False),
        sa.Column("stored_name", sa.String(length=100), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_by", sa.Integer(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        _key("project_id", "projects"),
        _key("reviewer_id", "users"),
        _key("created_by", "users"),
        _key("settled_by", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manifest_imports")),
    )
    op.create_index(op.f("ix_manifest_imports_project_id"), TABLE, ["project_id"])


def _key(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{TABLE}_{column}_{target}"), ondelete="RESTRICT"
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_manifest_imports_project_id"), table_name=TABLE)
    op.drop_table(TABLE)
