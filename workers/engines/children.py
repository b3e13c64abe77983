"""Work on images in child processes that may die.

Decoders of image formats are C code fed with files from strangers. Should one crash, or never come back, it
takes a child process with it; the images that were under way are then tried again in ever smaller groups,
until the guilty one stands alone and is reported. Everything else comes out as if nothing had happened.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection
from typing import TypeVar

from app.domain.errors import JobCancelled, WinnowError
from workers.engines.decoding import ImageRef

Result = TypeVar("Result")
Chunk = Sequence[ImageRef]
Work = Callable[[Chunk], Result]
StopCheck = Callable[[], bool]

CHUNK_SIZE = 64
"""Few enough that a cancelled run stops within a second or two, many enough that passing them on costs
nothing."""

CPU_SECONDS_PER_IMAGE = 20
MEMORY_PER_CHILD = 3 * 1024**3

_STOP_CHECK_SECONDS = 0.5
_is_child = False


def default_processes() -> int:
    """One process for each core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_in_children(
    work: Work[Result],
    refs: Sequence[ImageRef],
    *,
    when_crashed: Callable[[ImageRef], Result],
    processes: int | None = None,
    chunk_size: int = CHUNK_SIZE,
    should_stop: StopCheck | None = None,
) -> Iterator[Result]:
    """Yield ``work(chunk)`` for consecutive chunks of ``refs``, in order.

    ``work`` must be importable by name. Chunks are halved where a child died; ``when_crashed`` gives the
    result for a single image that kills its child. Raises ``JobCancelled`` soon after ``should_stop`` answers
    true.
    """
    waiting = deque(refs[i : i + chunk_size] for i in range(0, len(refs), chunk_size))
    wanted = min(processes or default_processes(), max(len(waiting), 1))
    while waiting:
        in_flight: deque[tuple[Chunk, Future[Result]]] = deque()
        try:
            yield from _run(work, waiting, in_flight, wanted, should_stop)
        except BrokenProcessPool:
            _require_working_children()
            for chunk, future in in_flight:
                if future.done() and not future.exception():
                    yield future.result()
                else:
                    yield from _isolate(work, chunk, when_crashed, should_stop)


def _run(
    work: Work[Result],
    waiting: deque[Chunk],
    in_flight: deque[tuple[Chunk, Future[Result]]],
    processes: int,
    should_stop: StopCheck | None,
) -> Iterator[Result]:
    """Work off ``waiting`` with a new pool; what is left in ``in_flight`` when it breaks has not been
    yielded."""
    with _pool(processes) as pool:
        while waiting or in_flight:
            # A short queue keeps the children busy without holding results that nobody has asked for yet.
            while waiting and len(in_flight) < 2 * processes + 1:
                future = pool.submit(work, waiting[0])
                in_flight.append((waiting.popleft(), future))
            result = _wait(in_flight[0][1], should_stop)
            in_flight.popleft()
            yield result


def _isolate(
    work: Work[Result],
    chunk: Chunk,
    when_crashed: Callable[[ImageRef], Result],
    should_stop: StopCheck | None,
) -> Iterator[Result]:
    """The chunk's results from a child of its own, halving the chunk for as long as that child dies."""
    try:
        with _pool(1) as pool:
            result = _wait(pool.submit(work, chunk), should_stop)
    except BrokenProcessPool:
        if len(chunk) == 1:
            yield when_crashed(chunk[0])
            return
        middle = len(chunk) // 2
        yield from _isolate(work, chunk[:middle], when_crashed, should_stop)
        yield from _isolate(work, chunk[middle:], when_crashed, should_stop)
    else:
        yield result


def _wait(future: Future[Result], should_stop: StopCheck | None) -> Result:
    while True:
        if should_stop and should_stop():
            raise JobCancelled("Stopped on request before all images were read.")
        try:
            return future.result(timeout=_STOP_CHECK_SECONDS)
        except FutureTimeoutError:
            # The work itself may raise the same error type; only a future without an answer is still under
            # way.
            if future.done():
                raise


def _require_working_children() -> None:
    """Without this, a machine on which no child can start would blame every single image."""
    try:
        with _pool(1) as pool:
            pool.submit(os.getpid).result()
    except BrokenProcessPool as error:
        raise WinnowError(
            "Child processes for decoding images die as soon as they start. Look for a limit on memory or "
            "processes that this one runs under."
        ) from error


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    context = _context()
    # The children hold one end. However this process ends, the other one closes, and they notice.
    leash_end, leash = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_start_child, initargs=(leash_end,))
    try:
        yield pool
    except BaseException:
        # Whoever cancels does not want to wait for the chunks under way, which may hold large photos.
        leash.close()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        leash.close()
        leash_end.close()


def _context() -> multiprocessing.context.BaseContext:
    """Never plain fork: the caller may be a thread of a worker that holds locks and database connections."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["workers.engines.fingerprints"])
    return context


def _start_child(leash_end: connection.Connection) -> None:
    global _is_child
    _is_child = True
    # Ctrl-C reaches the whole process group: the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    _limit_memory()
    threading.Thread(target=_die_when_let_go, args=(leash_end,), daemon=True).start()


def _limit_memory() -> None:
    """Let a decompression bomb end in a ``MemoryError`` here rather than in the kernel killing the web
    server."""
    limit = _address_space_in_use() + MEMORY_PER_CHILD
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _address_space_in_use() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - not a file on disk
            return int(statm.read().split()[0]) * resource.getpagesize()
    except FileNotFoundError:
        return 0


def _die_when_let_go(leash_end: connection.Connection) -> None:
    """A parent that was killed cannot say goodbye, and its children would wait for work for ever."""
    connection.wait([leash_end])
    os._exit(1)


def restart_watchdog() -> None:
    """Give the next image its time: a child that burns more CPU on one is ended by the kernel.

    CPU time, not wall time, so that neither a slow network file system nor a busy machine looks like a hung
    decoder.
    """
    if _is_child:
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS_PER_IMAGE)


def stop_watchdog() -> None:
    if _is_child:
        signal.setitimer(signal.ITIMER_PROF, 0)
