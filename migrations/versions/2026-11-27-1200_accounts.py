"""Invitations, scopes of tokens, identities of an OpenID Connect provider, and where sessions come from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.base import UtcDateTime

revision = "0014_accounts"
down_revision = "0013_manifest_imports"
branch_labels = None
depends_on = None


def _user(name: str, table: str, *, nullable: bool = False) -> tuple[sa.Column, sa.Constraint]:
    constraint = sa.ForeignKeyConstraint([name], ["users.id"], name=f"fk_{table}_{name}_users", ondelete="RESTRICT")
    return sa.Column(name, sa.Integer(), nullable=nullable), constraint


def upgrade() -> None:
    with op.batch_alter_table("users") as batch:
        batch.add_column(sa.Column("email", sa.String(length=320), nullable=True))
        batch.create_unique_constraint("uq_users_email", ["email"])
    with op.batch_alter_table("sessions") as batch:
        batch.add_column(sa.Column("address", sa.String(length=64), nullable=False, server_default=""))
        batch.add_column(sa.Column("signed_in_by", sa.String(length=20), nullable=False, server_default="password"))
    with op.batch_alter_table("api_tokens") as batch:
        # Tokens that are there already keep doing what they did.
        batch.add_column(sa.Column("scope", sa.String(length=10), nullable=False, server_default="manage"))
        batch.add_column(sa.Column("project_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            "fk_api_tokens_project_id_projects", "projects", ["project_id"], ["id"], ondelete="RESTRICT"
        )
    with op.batch_alter_table("api_tokens") as batch:
        batch.alter_column("scope", server_default=None)
    user, its_key = _user("user_id", "identities")
    op.create_table(
        "identities",
        sa.Column("id", sa.Integer(), primary_key=True),
        user,
        sa.Column("issuer", sa.String(length=300), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=False),
        its_key,
        sa.UniqueConstraint("issuer", "subject", name="uq_identities_issuer_subject"),
    )
    op.create_index("ix_identities_user_id", "identities", ["user_id"])
    user, its_key = _user("user_id", "oidc_flows", nullable=True)
    op.create_table(
        "oidc_flows",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("cookie_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("code_verifier", sa.String(length=128), nullable=False),
        user,
        sa.Column("created_at", UtcDateTime(), nullable=False),
        its_key,
        sa.UniqueConstraint("cookie_hash", name="uq_oidc_flows_cookie_hash"),
    )
    inviter, inviters_key = _user("invited_by", "invitations")
    accepter, accepters_key = _user("accepted_by", "invitations", nullable=True)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(length=10), nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        inviter,
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        accepter,
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_invitations_project_id_projects", ondelete="RESTRICT"
        ),
        inviters_key,
        accepters_key,
        sa.UniqueConstraint("token_hash", name="uq_invitations_token_hash"),
    )
    op.create_index("ix_invitations_project_id", "invitations", ["project_id"])
    user, its_key = _user("user_id", "known_addresses")
    op.create_table(
        "known_addresses",
        user,
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        its_key,
        sa.PrimaryKeyConstraint("user_id", "address", name="pk_known_addresses"),
    )


def downgrade() -> None:
    for table in ("known_addresses", "invitations", "oidc_flows", "identities"):
        op.drop_table(table)
    with op.batch_alter_table("api_tokens") as batch:
        batch.drop_constraint("fk_api_tokens_project_id_projects", type_="foreignkey")
        batch.drop_column("project_id")
        batch.drop_column("scope")
    with op.batch_alter_table("sessions") as batch:
        batch.drop_column("signed_in_by")
        batch.drop_column("address")
    with op.batch_alter_table("users") as batch:
        batch.drop_constraint("uq_users_email", type_="unique")
        batch.drop_column("email")
