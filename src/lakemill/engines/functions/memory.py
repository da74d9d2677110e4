"""How much memory a process has."""

import os
import sys
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def resident_bytes(pid: int) -> int:
    """What of a process is in memory; 0 when it is gone."""
    if sys.platform == "linux":
        try:
            return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
        except (OSError, IndexError):
            return 0
    return largest_resident_bytes(pid)


def largest_resident_bytes(pid: int) -> int:
    """The most that a process or one of those it started has; 0 when it is gone. Slower."""
    import psutil  # Here, because it takes a moment that not every start should pay.

    try:
        first = psutil.Process(pid)
        return max(int(one.memory_info().rss) for one in (first, *first.children(recursive=True)))
    except psutil.Error:
        return 0
