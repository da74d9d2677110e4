"""The embedded compute adapter: processes, each under a supervisor that outlives the platform.

Kept here per run id: one small file that says where the run's folder is. All else lies in that folder (supervisor.py
says what), so a platform that starts anew finds every run again.
"""

import contextlib
import fcntl
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from lakemill.ports.compute.port import ComputeRefused, RunSpec, RunState
from lakemill.ports.compute.sandbox import SUPERVISOR, wrap
from lakemill.ports.compute.supervisor import write_whole

POLL_S = 0.025
"""How often a run is looked at where the kernel cannot tell the end of a process that is not our child."""

GLANCE_S = 0.001
"""How long a supervisor that holds its lock may need to write its name down."""

MARKER = "LAKEMILL_RUN"


class EmbeddedCompute:
    """Runs as processes of this machine, under the user of the platform."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._starting: set[str] = set()
        self._guard = threading.Lock()

    def start(self, run_id: str, spec: RunSpec) -> None:
        """Raises ComputeRefused; ValueError if this run id was started before."""
        if spec.memory_bytes_max is not None:
            raise ComputeRefused(
                "a memory limit is not possible for plain processes: the address-space limit the kernel offers "
                "counts reserved memory too, and stops programs long before they use that much"
            )
        folder = spec.folder.resolve()
        argv, own_network = wrap(spec.argv, spec.mounts, network=spec.network, folder=folder)
        marker = secrets.token_hex(16)
        launch = {
            "folder": str(folder),
            "argv": argv,
            "environment": {**spec.environment, MARKER: marker},
            "grace_s": spec.stop_grace_s,
            "sandboxed": argv != list(spec.argv),
            "own_network": own_network,
            "errors_apart": spec.errors_apart,
            "marker": marker,
        }
        with self._guard:
            self._starting.add(run_id)
        try:
            self._record(run_id, folder, marker)
            self._launch(run_id, folder, launch)
        finally:
            with self._guard:
                self._starting.discard(run_id)

    def poll(self, run_id: str) -> RunState:
        with self._guard:
            if run_id in self._starting:
                return RunState("running")
        folder = self._run_folder(run_id)
        if folder is None:
            return RunState("unknown")
        ended = _exit_of(folder)
        if ended is None:
            pid = _alive(folder)
            if pid is not None:
                return RunState("running", pid=pid)
            ended = _exit_of(folder)  # It may have ended between the two looks.
        if ended is not None:
            return RunState("exited", exit_code=ended)
        if folder.is_dir() and not _begun(folder):  # The platform died between the record and the supervisor.
            if not _give_up(folder):
                return self.poll(run_id)
            self._pointer(run_id).unlink(missing_ok=True)
            return RunState("unknown")
        _kill_remains(folder)
        return RunState("lost")

    def wait(self, run_id: str, timeout_s: float | None = None) -> RunState:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            state = self.poll(run_id)
            left = None if deadline is None else deadline - time.monotonic()
            if state.state != "running" or (left is not None and left <= 0):
                return state
            _wait_for_end(state.pid, left)

    def stop(self, run_id: str, grace_s: float | None = None) -> None:
        folder = self._run_folder(run_id)
        if folder is None:
            return
        with _supervisor(folder) as found:
            if found is None:
                return
            if grace_s is not None:
                write_whole(str(folder / "stop"), {"grace_s": grace_s})
            pidfd, pid = found
            with contextlib.suppress(ProcessLookupError):
                if pidfd is not None:
                    signal.pidfd_send_signal(pidfd, signal.SIGTERM)
                else:
                    os.kill(pid, signal.SIGTERM)

    def log(self, run_id: str) -> Path:
        """Raises KeyError for a run that was never started here."""
        return self._known_folder(run_id) / "log"

    def error_log(self, run_id: str) -> Path:
        """Raises KeyError for a run that was never started here."""
        return self._known_folder(run_id) / "errors"

    def forget(self, run_id: str) -> None:
        """Raises ValueError while it is running."""
        if self.poll(run_id).state == "running":
            raise ValueError(f"run {run_id} is still running")
        self._pointer(run_id).unlink(missing_ok=True)

    # Below the surface

    def _pointer(self, run_id: str) -> Path:
        return self._folder / urllib.parse.quote(run_id, safe="")

    def _run_folder(self, run_id: str) -> Path | None:
        try:
            return Path(self._pointer(run_id).read_text())
        except FileNotFoundError:
            return None

    def _known_folder(self, run_id: str) -> Path:
        folder = self._run_folder(run_id)
        if folder is None:
            raise KeyError(run_id)
        return folder

    def _record(self, run_id: str, folder: Path, marker: str) -> None:
        pointer = self._pointer(run_id)
        if pointer.exists():
            raise ValueError(f"run {run_id} was started before")
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("exit", "stop", "supervisor"):  # Left by an earlier run in the same folder.
            (folder / name).unlink(missing_ok=True)
        (folder / "wanted").write_text(marker)
        beside = pointer.with_name(f".{pointer.name[:100]}.{secrets.token_hex(4)}")
        with open(beside, "w") as file:
            file.write(str(folder))
            file.flush()
            os.fsync(file.fileno())
        os.rename(beside, pointer)
        _flush_folder(self._folder)

    def _launch(self, run_id: str, folder: Path, launch: dict[str, object]) -> None:
        """Start the supervisor; it answers once the command is started and all is on record."""
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(SUPERVISOR)],
            input=json.dumps(launch).encode(),
            capture_output=True,
            cwd=folder,
            start_new_session=True,
        )
        answer = done.stdout.decode(errors="replace").strip()
        if answer != "ok":
            self._pointer(run_id).unlink(missing_ok=True)
            why = answer or done.stderr.decode(errors="replace").strip()
            raise RuntimeError(f"the supervisor of run {run_id} did not start: {why}")


def _exit_of(folder: Path) -> int | None:
    try:
        return json.loads((folder / "exit").read_text())["exit_code"]
    except FileNotFoundError:
        return None


def _begun(folder: Path) -> bool:
    """Whether the supervisor came as far as to start the command: it writes its name down first."""
    try:
        return (folder / "supervisor").stat().st_size > 0
    except FileNotFoundError:
        return False


def _give_up(folder: Path) -> bool:
    """Prevent a supervisor that has not begun from beginning; False if it begins just now."""
    handle = os.open(folder / "supervisor", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_size:
            return False
        (folder / "wanted").unlink(missing_ok=True)
        return True
    except BlockingIOError:
        time.sleep(GLANCE_S)
        return False
    finally:
        os.close(handle)


def _alive(folder: Path) -> int | None:
    """The supervisor's pid while it lives."""
    with _supervisor(folder) as found:
        return found[1] if found else None


@contextlib.contextmanager
def _supervisor(folder: Path) -> Iterator[tuple[int | None, int] | None]:
    """(pidfd or None, pid) of the living supervisor, or None.

    The pidfd is taken before the lock is looked at: if the lock is held after that, the pid was the supervisor's when
    the pidfd was made, and a pidfd never changes hands.
    """
    pidfd = None
    try:
        handle = os.open(folder / "supervisor", os.O_RDONLY)
    except FileNotFoundError:
        yield None
        return
    try:
        text = os.read(handle, 4096)
        pid = json.loads(text)["pid"] if text else None
        if pid is not None and hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                pidfd = os.pidfd_open(pid)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            held = False
        except BlockingIOError:
            held = True
        yield (pidfd, pid) if held and pid is not None else None
    finally:
        os.close(handle)
        if pidfd is not None:
            os.close(pidfd)


def _wait_for_end(pid: int | None, timeout_s: float | None) -> None:
    """Return soon after the process ended; at the latest after the timeout."""
    if pid is None or not hasattr(os, "pidfd_open"):
        time.sleep(POLL_S if timeout_s is None else min(POLL_S, timeout_s))
        return
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return
    try:
        watch = select.poll()
        watch.register(pidfd, select.POLLIN)
        # A minute at most: should the pid have changed hands meanwhile, the next look at the lock tells.
        watch.poll(60_000 if timeout_s is None else min(60_000, timeout_s * 1000))
    finally:
        os.close(pidfd)


def _kill_remains(folder: Path) -> None:
    """Kill what a lost run left behind: processes that carry its marker in their environment."""
    try:
        marker = json.loads((folder / "supervisor").read_text())["marker"]
    except (FileNotFoundError, ValueError, KeyError):
        return
    wanted = f"{MARKER}={marker}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
