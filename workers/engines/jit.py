"""Number crunching compiled by Numba, with types that mypy understands.

Compiled functions let go of the interpreter lock, so that plain threads share their work; Numba's own parallel
loops are not used, because two threads of one worker must not enter them at once. Machine code is kept on disk
after the first call: a child process loads it in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

Params = ParamSpec("Params")
Result = TypeVar("Result")


def compiled(function: Callable[Params, Result]) -> Callable[Params, Result]:
    """The function as machine code. Rounding may be reordered, so compare its results with a tolerance."""
    return cast("Callable[Params, Result]", numba.njit(cache=True, nogil=True, fastmath=True)(function))
