"""lakemill on a disk that flushes more slowly: `python -m bench.slow_disk 1.5 up ...` adds 1.5 ms to each of the log's.

Group commit is for disks that flush slowly; the one at hand may be quick. Threads sleep as the disk would: the kernel
cannot be asked for a slower flush.
"""

import contextlib
import sys
import time
from collections.abc import Iterator

from lakemill.cli.main import main
from lakemill.ports.log.disk import RealDisk, RealFile


@contextlib.contextmanager
def slower(more_ms: float) -> Iterator[None]:
    """Each flush of a log takes so much longer."""
    sync, syncs = RealFile.sync, RealDisk.syncs

    def slow(file: RealFile) -> None:
        sync(file)
        time.sleep(more_ms / 1000)

    RealFile.sync, RealDisk.syncs = slow, lambda disk: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        RealFile.sync, RealDisk.syncs = sync, syncs  # type: ignore[method-assign]


if __name__ == "__main__":
    with slower(float(sys.argv.pop(1))):
        main()
