"""Training and measuring models for a comparison. Nothing here knows a queue or a database."""
