"""Whether there is room for what a training is about to hold."""

import os
from pathlib import Path


def make_room(need_bytes: int, what: str, why: str) -> None:
    """Raises MemoryError, in words, when so much memory is not there."""
    if need_bytes > (room := available_bytes()):
        raise MemoryError(
            f"{what} need {need_bytes / 1e9:,.1f} GB of memory ({room / 1e9:,.1f} GB are there) for {why}"
        )


def available_bytes() -> int:
    """Memory that can still be had, as Linux estimates it; elsewhere all the machine has."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
