"""The compute port: run a command with files, limits, an exit code and a log.

Promises every adapter keeps (tests/contracts/compute.py holds them to it):

- A run outlives the platform process: after a restart `poll` by the same run id still tells its state.
- The exit code is recorded once, durably, by the run's own supervisor, even while the platform is down.
- Everything the command prints (stdout and stderr, in order) is appended to one log file that can be tailed; stderr to
  one of its own where the run asks for that.
- `stop` sends SIGTERM to the command, and after the grace period SIGKILL to all its descendants.
- A run whose supervisor died without a word (power cut, kill -9 of everything) is reported as lost, never as running.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol


class ComputeRefused(Exception):
    """This machine cannot run it as asked (no network isolation here, say). The text says what is missing."""


@dataclasses.dataclass(frozen=True)
class RunSpec:
    """What to run."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    """The run's own folder: working directory; `log`, `exit` and `supervisor` files are kept in it by the adapter."""
    mounts: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    """Where a path of the container's world (`/opt/ml`) is on this machine; honoured where isolation is possible."""
    network: bool = True
    """False: no network but loopback of its own. Raises ComputeRefused where the kernel cannot do that."""
    memory_bytes_max: int | None = None
    stop_grace_s: float = 120.0
    errors_apart: bool = False
    """Standard error goes to a log file of its own."""


@dataclasses.dataclass(frozen=True)
class RunState:
    """How a run is doing."""

    state: Literal["running", "exited", "lost", "unknown"]
    exit_code: int | None = None
    """Set when exited; negative for a signal, as subprocess has it."""
    pid: int | None = None


class Compute(Protocol):
    """The launcher. All methods block briefly; call them from a thread."""

    def start(self, run_id: str, spec: RunSpec) -> None:
        """Start it; starting the same run id twice is an error. Raises ComputeRefused."""
        ...

    def poll(self, run_id: str) -> RunState:
        """Its state now."""
        ...

    def wait(self, run_id: str, timeout_s: float | None = None) -> RunState:
        """Its state once it has ended, or after the timeout."""
        ...

    def stop(self, run_id: str, grace_s: float | None = None) -> None:
        """Ask it to end (SIGTERM, then SIGKILL after the grace period); returns at once, is idempotent."""
        ...

    def log(self, run_id: str) -> Path:
        """The file that everything it prints is appended to."""
        ...

    def error_log(self, run_id: str) -> Path:
        """The file that its standard error is appended to, if it asked for one of its own."""
        ...

    def forget(self, run_id: str) -> None:
        """Drop what is kept about an ended run (its folder stays the caller's)."""
        ...
