"""Use cases, one verb-led module each. They take a session first and never commit."""
