"""A project has sources: where they lie is theirs, and samples say which one they are of and where in it they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_dataset_sources"
down_revision = "0011_recognised_formats"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("root", sa.String(length=4096), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_sources_project_id_projects"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
    )
    op.create_index("ix_sources_project", "sources", ["project_id", "id"])
    op.execute(
        "INSERT INTO sources (project_id, kind, root, options, samples, created_at) "
        "SELECT id, 'folder', root, '{}', "
        "(SELECT count(*) FROM samples WHERE samples.project_id = projects.id), created_at FROM projects ORDER BY id"
    )
    op.add_column("listings", sa.Column("relabelled", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("classes", sa.Column("title", sa.String(length=300), nullable=True))
    for column in (
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column("image_id", sa.String(length=1024), nullable=True),
        sa.Column("locator", sa.Text(), nullable=True),
        sa.Column("box", sa.JSON(), nullable=True),
    ):
        op.add_column("samples", column)
    op.execute(
        "UPDATE samples SET source_id = (SELECT sources.id FROM sources WHERE sources.project_id = samples.project_id)"
    )
    with op.batch_alter_table("samples") as samples:
        samples.alter_column("source_id", existing_type=sa.Integer(), nullable=False)
        samples.create_foreign_key(
            op.f("fk_samples_source_id_sources"), "sources", ["source_id"], ["id"], ondelete="RESTRICT"
        )
    with op.batch_alter_table("projects") as projects:
        projects.drop_column("root")


def downgrade() -> None:
    """What only sources can say is lost: second sources, and where the images of other kinds lie."""
    op.add_column("projects", sa.Column("root", sa.String(length=4096), nullable=True))
    op.execute(
        "UPDATE projects SET root = coalesce((SELECT sources.root FROM sources WHERE sources.id = "
        "(SELECT min(id) FROM sources WHERE sources.project_id = projects.id)), '')"
    )
    with op.batch_alter_table("projects") as projects:
        projects.alter_column("root", existing_type=sa.String(length=4096), nullable=False)
    with op.batch_alter_table("samples") as samples:
        samples.drop_constraint(op.f("fk_samples_source_id_sources"), type_="foreignkey")
        for name in ("box", "locator", "image_id", "source_id"):
            samples.drop_column(name)
    op.drop_column("classes", "title")
    op.drop_column("listings", "relabelled")
    op.drop_index("ix_sources_project", "sources")
    op.drop_table("sources")
