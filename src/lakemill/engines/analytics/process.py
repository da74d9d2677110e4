"""The worker process, as the platform sees it: requests in, answers out; see `lakemill.streamsql.worker`."""

import asyncio
import contextlib
import os
import signal
import sys
from typing import Any

from lakemill.engines.analytics.errors import CodeInvalid, SchemaUndetected, WorkerFailed
from lakemill.formats.messages import framed, receive_message

MODULE = "lakemill.streamsql.worker"
MEMORY_MIB = 4096
LINES_MAX = 20
TIMEOUT_S = 300.0
STREAM_BYTES = 4 << 20


class WorkerProcess:
    """Made by `start`. One request at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._lines: list[str] = []
        self._reading = asyncio.create_task(self._read_lines())

    @classmethod
    async def start(cls, memory_mib: int = MEMORY_MIB) -> "WorkerProcess":
        pipe = asyncio.subprocess.PIPE
        environment = os.environ | {"OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", MODULE, "--memory-mib", str(memory_mib)),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=environment,
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

    async def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request. Raises CodeInvalid, SchemaUndetected, WorkerFailed (the process is gone then)."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(framed(request))
            await self._process.stdin.drain()
            answer = await asyncio.wait_for(receive_message(self._process.stdout), TIMEOUT_S)
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            raise WorkerFailed(await self._how_it_ended()) from None
        except TimeoutError:
            await self.kill()
            raise WorkerFailed(f"the worker did not answer within {TIMEOUT_S:.0f} seconds") from None
        except asyncio.CancelledError:
            self._signal()  # Its answer would be taken for that of the next request.
            raise
        if "error" not in answer:
            return answer
        if answer["kind"] == "fault":
            await self.kill()
            raise WorkerFailed(answer["error"])
        if request["do"] == "discover":
            raise SchemaUndetected(answer["error"])
        raise CodeInvalid(answer["error"], answer.get("line", 0), answer.get("column", 0))

    async def _how_it_ended(self) -> str:
        await self.kill()
        code = self._process.returncode or 0
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        last = f": {self._lines[-1]}" if self._lines else ""
        return f"the worker process ended with {how}{last}"

    async def _read_lines(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self._lines = [*self._lines[1 - LINES_MAX :], line.decode(errors="replace").rstrip()]

    def _signal(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def kill(self) -> None:
        """End the process now."""
        if self.alive:
            if self._process.stdin is not None:
                self._process.stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 0.2)
        if self.alive:
            self._signal()
        await self._process.wait()
        with contextlib.suppress(TimeoutError, ValueError):
            await asyncio.wait_for(self._reading, 1.0)
        self._reading.cancel()
