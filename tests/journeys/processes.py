"""What one lakemill has running on this machine, found by its data folder, so that a test can end it."""

import contextlib
import json
import os
import signal
import time
from pathlib import Path


def supervisors(data: Path) -> list[int]:
    """Pids of the living supervisors of its runs."""
    found = []
    for file in Path(data).rglob("supervisor"):
        with contextlib.suppress(ValueError, KeyError, OSError):
            pid = json.loads(file.read_text())["pid"]
            if "supervisor.py" in Path(f"/proc/{pid}/cmdline").read_text():
                found.append(pid)
    return found


def descendants(pid: int) -> list[int]:
    """Pids below a process, itself not counted."""
    with contextlib.suppress(OSError):
        children = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return children + [below for child in children for below in descendants(child)]
    return []


def commands(data: Path) -> list[int]:
    """Pids of what the supervisors run."""
    return [pid for supervisor in supervisors(data) for pid in descendants(supervisor)]


def kill(*pids: int) -> None:
    """kill -9; returns when they are gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in pids:
        while _alive(pid):
            time.sleep(0.01)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
