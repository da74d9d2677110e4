"""Saved state on the disk: Flink writes a folder with `_metadata` in it, last of all."""

import os
import shutil
from pathlib import Path


def newest(folder: Path) -> Path | None:
    """The newest whole checkpoint below a run's folder: `checkpoints/<job>/chk-<number>`."""
    found = [(one.stat().st_mtime_ns, one) for one in folder.glob("checkpoints/*/chk-*/_metadata")]
    return max(found)[1].parent if found else None


def keep_only(folder: Path, checkpoint: Path | None) -> None:
    """Remove checkpoints of jobs that have ended, but not this one."""
    for job in folder.glob("checkpoints/*"):
        if checkpoint is None or checkpoint.parent != job:
            shutil.rmtree(job, ignore_errors=True)


def saved(folder: Path) -> Path | None:
    """The savepoint below a folder, brought to the disk, if there is a whole one."""
    found = next(folder.glob("savepoint-*/_metadata"), None)
    if found is None:
        return None
    flush(found.parent)
    return found.parent


def flush(folder: Path) -> None:
    """Bring a saved state to the disk, with the folders down to it."""
    for path in [*folder.rglob("*"), folder, folder.parent, folder.parent.parent]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
