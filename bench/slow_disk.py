"""lakemill on a disk that flushes more slowly: `python -m bench.slow_disk 1.5 up ...` adds 1.5 ms to each of the log's.

Group commit is for disks that flush slowly; the one at hand may be quick. A timer of the kernel holds back what its
flushes tell the event loop; a thread that flushes sleeps.
"""

import contextlib
import ctypes
import functools
import os
import sys
import time
from collections.abc import Iterator

from lakemill.cli.main import main
from lakemill.ports.log.disk import RealDisk, RealFile
from lakemill.ports.log.kernelsyncs import KernelSyncs, kernel_syncs


class SlowSyncs(KernelSyncs):
    """Tells of each sync so many seconds late."""

    more_s = 0.0

    def __init__(self) -> None:
        super().__init__()
        self._late: dict[int, functools.partial[None]] = {}
        """By the descriptor of its timer, what is still to be told."""

    def begin(self, fileno, loop, done) -> None:
        super().begin(fileno, loop, lambda error: self._hold(loop, functools.partial(done, error)))

    def _hold(self, loop, tell) -> None:
        timer = _timer(self.more_s)
        self._late[timer] = tell
        loop.add_reader(timer, self._tell, loop, timer)

    def _tell(self, loop, timer: int) -> None:
        if not loop.is_closed():
            loop.remove_reader(timer)
        os.close(timer)
        self._late.pop(timer)()

    def finish(self) -> None:
        super().finish()
        time.sleep(self.more_s if self._late else 0)
        for timer in list(self._late):
            self._tell(self._loop, timer)


def _timer(seconds: float) -> int:
    """A descriptor that can be read after so long; loops count in whole milliseconds. timerfd_create(2)."""
    library = ctypes.CDLL(None)
    descriptor = library.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
    library.timerfd_settime(descriptor, 0, (ctypes.c_long * 4)(0, 0, 0, int(seconds * 1e9)), None)
    return descriptor


@contextlib.contextmanager
def slower(more_ms: float) -> Iterator[None]:
    """Each flush of a log takes so much longer."""
    sync, syncs = RealFile.sync, RealDisk.syncs

    def slow(file: RealFile) -> None:
        sync(file)
        time.sleep(more_ms / 1000)

    SlowSyncs.more_s = more_ms / 1000
    RealFile.sync = slow  # type: ignore[method-assign]
    RealDisk.syncs = lambda disk: SlowSyncs() if kernel_syncs() else None  # type: ignore[method-assign]
    try:
        yield
    finally:
        RealFile.sync, RealDisk.syncs = sync, syncs  # type: ignore[method-assign]


if __name__ == "__main__":
    with slower(float(sys.argv.pop(1))):
        main()
