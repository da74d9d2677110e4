"""A function: code, the handler in it, and what it may use."""

import dataclasses
import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

LATEST = ""
"""The version that can still be changed."""

_OURS = {"name", "scope", "tags", "created", "modified", "transitions"}


@dataclasses.dataclass(frozen=True)
class Function:
    """One version of a function, as it was when it was looked up."""

    scope: str
    name: str
    handler: str
    runtime: str
    """The interpreter it asks for, `python3.11`."""
    code: str
    """SHA-256 of its archive, in hexadecimal."""
    code_bytes: int
    version: str = LATEST
    """A number, or LATEST."""
    role: str = ""
    """Whose rights it works with."""
    timeout_s: int = 3
    memory_mib: int = 128
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    description: str = ""
    log_group: str = ""
    """Where its lines go."""
    revision: str = ""
    """Anew with every change."""
    modified: datetime.datetime | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any], **more: Any) -> "Function":
        """From a resource's document."""
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in document.items() if name in known} | more)


@dataclasses.dataclass
class Outcome:
    """What became of an invocation.

    kind: answered (the payload is the result), failed (the code raised; the payload is the error's document), timeout,
    exited (its process ended; message says how), memory (it took more than it may).
    """

    kind: str
    payload: bytes = b""
    error_type: str = ""
    message: str = ""
    request_id: str = ""
    duration_ms: float = 0.0
    init_ms: float | None = None
    """How long the worker took to start, when it was started for this."""
    peak_mib: int = 0
    log: list[str] = dataclasses.field(default_factory=list)
    """All lines of this invocation."""


@dataclasses.dataclass(frozen=True)
class Launch:
    """How to start a worker."""

    argv: list[str]
    environment: Mapping[str, str]
    folder: Path
    """Its working directory, as it sees it."""
    mounts: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    """Where a path of the function's world is on this machine, to be read only; needs a sandbox, as do the next two."""
    hidden: Path | None = None
    """A folder that looks empty to it,"""
    kept: tuple[Path, ...] = ()
    """save for these files and folders below it."""
    expires_s: float | None = None
    """When what the environment holds (keys) is no longer good; the worker is replaced before."""


class Runtime(Protocol):
    """The contract with the code: what its process is started with, and how its log lines are worded."""

    def stream(self, function: Function, token: str) -> str:
        """Name of the log stream of a new worker."""
        ...

    async def launch(self, function: Function, stream: str, code: Path, bytecode: Path) -> Launch:
        """How to start a worker. code: the unpacked archive; bytecode: a folder for what Python makes of it.

        Raises FunctionUnavailable.
        """
        ...

    def request(
        self, function: Function, request_id: str, deadline_ms: int, extra: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What the worker is told beside the payload."""
        ...

    def answer(self, function: Function, outcome: Outcome) -> bytes:
        """The document of an outcome that the code itself could not give: timeout, exited, memory."""
        ...

    def opening(self, function: Function, request_id: str) -> list[str]:
        """Lines before the code's own."""
        ...

    def closing(self, function: Function, outcome: Outcome) -> list[str]:
        """Lines after them."""
        ...
