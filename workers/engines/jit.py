"""Number crunching compiled by Numba, with types that mypy understands.

Compiled functions let go of the interpreter lock, so that plain threads share their work; Numba's own parallel
loops are not used, because two threads of one worker must not enter them at once. Machine code is kept on disk
after the first call, in ``NUMBA_CACHE_DIR``, else beside the source, else in the user's cache folder: whichever can be
written. Other processes load it in milliseconds; ``warm_up`` makes it before anybody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar, cast

import numba

Params = ParamSpec("Params")
Result = TypeVar("Result")

KERNELS: list[Any] = []
"""Numba's dispatchers of all compiled functions whose modules are loaded."""


def compiled(function: Callable[Params, Result]) -> Callable[Params, Result]:
    """The function as machine code. Rounding may be reordered, so compare its results with a tolerance."""
    kernel = numba.njit(nogil=True, fastmath=True)(function)
    # It is refused where no folder can be written. Then each process compiles for itself, which is slow but right.
    with suppress(RuntimeError):
        kernel.enable_caching()
    KERNELS.append(kernel)
    return cast("Callable[Params, Result]", kernel)
