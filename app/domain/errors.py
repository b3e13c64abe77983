"""Everything that can go wrong in Winnow's own rules, without a word of HTTP.

    WinnowError
    ├── NotFound              no such thing, or none that this person may see
    ├── NotAllowed            the person's role does not permit it
    ├── NotSignedIn           nobody is signed in, or the session has ended
    ├── TooManyAttempts       a limit was reached; says when to try again
    ├── Conflict              somebody else was faster; carries the current state
    ├── InvalidInput          an answer, name or parameter that does not make sense
    │   └── InvalidFile       an uploaded or given file that cannot be read at all
    ├── NotReady              a step whose conditions are not met yet (checks before a version)
    ├── OutOfSpace            the disk is full
    ├── Busy                  the database was held too long by somebody else; the same again works later
    ├── ProviderFailed        the OpenID Connect provider does not answer, or answers what can't be believed
    └── JobCancelled          somebody asked the running job to stop

Each carries a stable ``code`` (for programs) and a sentence that says what, where and what to do.
"""

from __future__ import annotations

from typing import Any


class WinnowError(Exception):
    """Base of all errors that a user can be told about."""

    code = "error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class NotFound(WinnowError):
    code = "not_found"


class NotAllowed(WinnowError):
    code = "not_allowed"


class NotSignedIn(WinnowError):
    code = "not_signed_in"


class TooManyAttempts(WinnowError):
    code = "too_many_attempts"


class Conflict(WinnowError):
    code = "conflict"


class InvalidInput(WinnowError):
    code = "invalid_input"


class InvalidFile(InvalidInput):
    code = "invalid_file"


class NotReady(WinnowError):
    code = "not_ready"


class OutOfSpace(WinnowError):
    code = "out_of_space"


class Busy(WinnowError):
    code = "busy"


class ProviderFailed(WinnowError):
    code = "provider_failed"


class JobCancelled(WinnowError):
    code = "job_cancelled"
