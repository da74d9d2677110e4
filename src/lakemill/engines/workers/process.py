"""A process that is spoken to in messages, over its standard input and output.

It ends when its input does, and so with the platform. What it prints comes on its standard error; the last lines of
that are kept for whoever wants to know why it ended.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from lakemill.formats.messages import framed, receive_message

LINES_MAX = 20
STREAM_BYTES = 4 << 20
END_S = 0.2
KEPT = ("PATH", "PYTHON", "OMP_", "NUMBA_", "LANG", "LC_", "TZ", "TMP", "SYSTEMROOT")
"""What names of environment variables begin with that a process gets: what people let it run must not learn others."""


def kept_environment() -> dict[str, str]:
    """The part of the platform's own environment that a process gets."""
    return {name: value for name, value in os.environ.items() if name.startswith(KEPT)}


async def let_go(process: asyncio.subprocess.Process) -> None:
    """Close the pipes to a process that has ended: what it started, or what nobody reads, may hold them open."""
    process._transport.close()  # type: ignore[attr-defined]  # asyncio has no other way.
    await asyncio.sleep(0)


class Worker:
    """Made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        self._process = process
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr
        self.lines: list[str] = []
        """The last that it printed."""
        self._reading = asyncio.create_task(self._read_lines())

    @classmethod
    async def start(
        cls, command: Sequence[str], memory_mib: int, environment: Mapping[str, str] | None = None
    ) -> "Worker":
        """command: what Python is to run; it takes --memory-mib. environment: variables beside those that are kept."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *command, "--memory-mib", str(memory_mib)),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=kept_environment() | {"PYTHONUNBUFFERED": "1"} | dict(environment or {}),
            limit=STREAM_BYTES,
            start_new_session=True,  # An interrupt at the terminal is for the platform, which then ends it in order.
        )
        return cls(process)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        return self._process.pid

    async def send(self, message: Any) -> None:
        """Raises ConnectionError when it is gone, ValueError for a message that is too large."""
        self._stdin.write(framed(message))
        await self._stdin.drain()

    async def receive(self) -> Any:
        """The next message. Raises IncompleteReadError when it is gone, ValueError for what is none."""
        return await receive_message(self._stdout)

    async def ending(self) -> str:
        """How it ends, in words; it is killed if it has not."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), END_S)
        code = self._process.returncode
        await self.kill()
        if code is None:
            return "was not understood any more"
        return f"ended with signal {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def last_line(self) -> str:
        """What it printed last, after a colon; nothing if it did not."""
        return f": {self.lines[-1]}" if self.lines else ""

    def signal(self) -> None:
        """Kill it, without waiting for its end."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def kill(self, grace_s: float = 0.0) -> None:
        """End it now; grace_s: what it gets to end by itself when its input has ended."""
        if self.alive and grace_s:
            self._stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), grace_s)
        if self.alive:
            self.signal()
        await self._process.wait()
        self._stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._reading, 1.0)
        self._reading.cancel()
        await let_go(self._process)

    async def _read_lines(self) -> None:
        with contextlib.suppress(ValueError):  # A line beyond all measure.
            while line := await self._stderr.readline():
                self.lines = [*self.lines[1 - LINES_MAX :], line.decode(errors="replace").rstrip()]
