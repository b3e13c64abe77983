"""Exit statuses of the commands that need no server, and the one place that turns errors into them."""

from __future__ import annotations

import sys
from collections.abc import Callable

from app.domain.errors import InvalidInput, WinnowError

SUCCESS, FAILED, BAD_ARGUMENTS, INTERRUPTED = 0, 1, 2, 130


def status_of(command: str, work: Callable[[], None], *, interrupted: str = "nothing was written") -> int:
    """Do the work: 0 only when it was done whole, 2 where the input has to be changed, 1 for other failures.

    ``interrupted`` is what to say beside that it was, on Ctrl-C.
    """
    try:
        work()
    except InvalidInput as error:
        print(f"winnow {command}: {error.message}", file=sys.stderr)
        return BAD_ARGUMENTS
    except (WinnowError, OSError) as error:
        print(f"winnow {command}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"winnow {command}: interrupted, {interrupted}", file=sys.stderr)
        return INTERRUPTED
    return SUCCESS
