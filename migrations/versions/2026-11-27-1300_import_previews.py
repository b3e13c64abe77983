"""Imports are previewed before they are applied, and read by mappings, which a project keeps as presets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_import_previews"
down_revision = "0014_accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("mapping", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("imports", sa.Column("preview", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("imports", sa.Column("preview_digest", sa.String(length=64), nullable=True))
    op.create_table(
        "import_presets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("mapping", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_import_presets_project_id_projects", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name="fk_import_presets_created_by_users", ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_import_presets"),
        sa.UniqueConstraint("project_id", "name", name="uq_import_presets_project_id_name"),
    )


def downgrade() -> None:
    op.drop_table("import_presets")
    op.drop_column("imports", "preview_digest")
    op.drop_column("imports", "preview")
    op.drop_column("imports", "mapping")
