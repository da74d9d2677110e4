"""Memory that is freed and needed again."""

import contextlib
import ctypes

FREE_BYTES = 64 << 20
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of mallopt(3)."""


def keep_memory() -> None:
    """Let the C library keep so much of what this process frees, for what it does next.

    To get it back from the system page by page takes longer than to fill it: twice the time of a GetRecords of a
    megabyte.
    """
    with contextlib.suppress(OSError, AttributeError):  # Other libraries than that of GNU.
        library = ctypes.CDLL(None)
        library.mallopt(_TRIM_THRESHOLD, FREE_BYTES)
        library.mallopt(_MMAP_THRESHOLD, FREE_BYTES // 2)
