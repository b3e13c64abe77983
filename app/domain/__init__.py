"""The rules of cleaning, free of web, database and queue: what a flag, a review and a decision are."""
