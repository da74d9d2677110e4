"""The process that carries out statements, as the platform sees it; see `lakemill.lakesql.interface`.

It is handed a statement, asks questions about catalog and lake while it works, and says what came of it. It ends with
its standard input, and so with the platform.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from lakemill.engines.queries.errors import ProcessDied, Refused
from lakemill.formats.messages import framed, receive_message

MODULE = "lakemill.lakesql.worker"
LINES_MAX = 20
STREAM_BYTES = 4 << 20
END_S = 0.2
KEPT = ("PATH", "PYTHON", "OMP_", "LANG", "LC_", "TZ", "TMP", "SYSTEMROOT")
"""What names of environment variables begin with that the process keeps: a statement must not learn the others."""

Answer = Callable[[str, dict[str, Any]], Awaitable[Any]]
"""The answer to a question by its name and arguments. Raises Refused."""


class StatementProcess:
    """Made by `start`. One statement at a time."""

    def __init__(self, process: asyncio.subprocess.Process, memory_mib: int) -> None:
        self._process, self._memory_mib = process, memory_mib
        self._lines: list[str] = []
        self._reading = asyncio.create_task(self._read_lines())
        self.ready_s = 0.0
        """When it is ready for a statement, by the clock of the event loop."""

    @classmethod
    async def start(cls, memory_mib: int, command: Sequence[str] = ("-m", MODULE)) -> "StatementProcess":
        """command: what Python is to run."""
        pipe = asyncio.subprocess.PIPE
        environment = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *command, "--memory-mib", str(memory_mib)),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            limit=STREAM_BYTES,
            start_new_session=True,  # An interrupt at the terminal is for the platform, which then ends it in order.
        )
        return cls(process, memory_mib)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        return self._process.pid

    async def carry_out(
        self, statement: dict[str, Any], answer: Answer, progress: Callable[[int], None]
    ) -> dict[str, Any]:
        """The last message, `{"outcome": ...}` or `{"failed": ...}`. progress is told bytes read so far.

        Raises ProcessDied. When it is cancelled, the process is ended.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            await self._send({"statement": statement})
            while True:
                message = await receive_message(self._process.stdout)
                if "ask" in message:
                    await self._send(await _answered(answer, message))
                elif "progress" in message:
                    progress(message["progress"]["scanned_bytes"])
                else:
                    return message
        except (ConnectionError, asyncio.IncompleteReadError, ValueError, KeyError, TypeError) as wrong:
            raise ProcessDied(await self._how_it_ended(wrong)) from None
        except BaseException:
            self._signal()  # What it still says would be taken for the next statement's.
            raise

    async def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(framed(message))
        await self._process.stdin.drain()

    async def _how_it_ended(self, wrong: Exception) -> str:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), END_S)
        code = self._process.returncode
        await self.kill()
        last = f": {self._lines[-1]}" if self._lines else ""
        if code is None:
            return f"the process said what cannot be understood ({type(wrong).__name__}){last}"
        if code == -signal.SIGKILL or any("MemoryError" in line for line in self._lines):
            return f"the process was killed, probably for using more memory than there is ({self._memory_mib} MiB)"
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"the process ended with {how}{last}"

    async def _read_lines(self) -> None:
        assert self._process.stderr is not None
        with contextlib.suppress(ValueError):  # A line beyond all measure.
            while line := await self._process.stderr.readline():
                self._lines = [*self._lines[1 - LINES_MAX :], line.decode(errors="replace").rstrip()]

    def _signal(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def kill(self) -> None:
        """End the process now."""
        if self.alive:
            self._signal()
        await self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._reading, 1.0)
        self._reading.cancel()


async def _answered(answer: Answer, message: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": await answer(message["ask"], message.get("with") or {})}
    except Refused as refused:
        return {"refused": {"code": refused.code, "message": refused.message}}
