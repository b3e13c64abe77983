"""An index for the pace of the last minutes, of a project and of one reviewer

Revision: 0004_recent_events
Follows: 0003_passed_over
"""

from __future__ import annotations

from alembic import op

revision = "0004_recent_events"
down_revision = "0003_passed_over"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_review_events_recent", "review_events", ["project_id", "created_at", "reviewer_id", "kind"])


def downgrade() -> None:
    op.drop_index("ix_review_events_recent", table_name="review_events")
