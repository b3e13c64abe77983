"""All queries live here: functions that take a session first. ``get_`` raises NotFound, ``find_`` may return nothing."""
