"""The slides: a deck of eleven, with native charts and tables, and the exact figures in the speaker notes."""
