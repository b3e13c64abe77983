"""All queries live here, as functions that take a session first.

``get_`` raises NotFound; ``find_`` may return nothing.
"""
