"""Alembic's migrations, applied by ``winnow serve`` at start and by ``make migrate``."""
