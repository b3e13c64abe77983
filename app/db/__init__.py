"""The database: engine and sessions, the tables, and the repositories that hold all queries."""
