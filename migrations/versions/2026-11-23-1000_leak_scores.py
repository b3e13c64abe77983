"""How surely a leak pair is the same shot, and what was done to one image to make it the other

Revision: 0005_leak_scores
Follows: 0004_recent_events
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_leak_scores"
down_revision = "0004_recent_events"
branch_labels = None
depends_on = None

_LIST = ["project_id", "verdict", "similarity", "id"]


def upgrade() -> None:
    for table in ("leak_pairs", "leak_matches"):
        op.add_column(table, sa.Column("score", sa.Double(), nullable=True))
        op.add_column(table, sa.Column("transform", sa.String(length=20), nullable=True))
    # The type stands in the index, so that counting the pairs to look at reads nothing else.
    op.drop_index("ix_leak_pairs_list", table_name="leak_pairs")
    op.create_index("ix_leak_pairs_list", "leak_pairs", [*_LIST, "leak_type"])
    op.create_index("ix_leak_matches_run", "leak_matches", ["run_id", "pair_id", "leak_type", "score"])


def downgrade() -> None:
    # Scores and transforms are lost; a run that verifies finds them again. The pairs that it rejected become open.
    op.drop_index("ix_leak_matches_run", table_name="leak_matches")
    op.drop_index("ix_leak_pairs_list", table_name="leak_pairs")
    op.create_index("ix_leak_pairs_list", "leak_pairs", _LIST)
    for table in ("leak_matches", "leak_pairs"):
        op.drop_column(table, "transform")
        op.drop_column(table, "score")
