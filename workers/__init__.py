"""Background workers: Celery tasks, the shard runner, and the engines they run."""
