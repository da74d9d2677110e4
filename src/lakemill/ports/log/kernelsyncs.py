"""Syncs that Linux carries out by itself when io_submit(2) asks it to; caio is the way to there.

A thread that waits for the disk has to get the interpreter's lock back from a busy loop, which takes longer than a
small group's write and sync.
"""

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable

from caio import linux_aio

AT_ONCE_MAX = 256
"""Syncs under way at most; the system reserves as many places."""


def kernel_syncs() -> "KernelSyncs | None":
    """None where the system has nothing of the kind, or a container forbids it."""
    if linux_aio is None:  # caio has it only where the kernel does.
        return None
    try:
        return KernelSyncs()
    except (SystemError, NotImplementedError):
        return None


class KernelSyncs:
    """See `disk.Syncs`."""

    def __init__(self) -> None:
        self._context = linux_aio.Context(AT_ONCE_MAX)
        self._under_way = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, fileno: int, loop: asyncio.AbstractEventLoop, done: Callable[[OSError | None], None]) -> None:
        if loop is not self._loop:
            self.move(loop)

        def ended(result: int) -> None:
            self._under_way -= 1
            number = (1 << 64) - result if result >> 63 else 0
            done(OSError(number, os.strerror(number)) if number else None)

        operation = linux_aio.Operation.fdsync(fileno)
        operation.set_callback(ended)
        try:
            self._context.submit(operation)
        except Exception as error:  # Each errno has a class of its own.
            raise OSError(errno.EAGAIN, str(error)) from None
        self._under_way += 1

    def move(self, loop: asyncio.AbstractEventLoop) -> None:
        self._leave()
        self._loop = loop
        loop.add_reader(self._context.fileno, self._take)

    def finish(self) -> None:
        while self._under_way:
            self._context.process_events(min_requests=1, timeout=-1)

    def close(self) -> None:
        self.finish()
        self._leave()

    def _leave(self) -> None:
        if self._loop and not self._loop.is_closed():
            self._loop.remove_reader(self._context.fileno)
        self._loop = None

    def _take(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._context.poll()
        self._context.process_events()
