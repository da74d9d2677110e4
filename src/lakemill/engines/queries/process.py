"""The process that carries out statements, as the platform sees it; see `lakemill.lakesql.interface`.

It is handed a statement, asks questions about catalog and lake while it works, and says what came of it. It ends with
its standard input, and so with the platform.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from lakemill.engines.queries.errors import ProcessDied, Refused
from lakemill.engines.workers import Worker

MODULE = "lakemill.lakesql.worker"
LINES_S = 0.2

Answer = Callable[[str, dict[str, Any]], Awaitable[Any]]
"""The answer to a question by its name and arguments. Raises Refused."""


class StatementProcess:
    """Made by `start`. One statement at a time."""

    def __init__(self, worker: Worker, memory_mib: int) -> None:
        self._worker, self._memory_mib = worker, memory_mib
        self.ready_s = 0.0
        """When it is ready for a statement, by the clock of the event loop."""

    @classmethod
    async def start(cls, memory_mib: int, command: Sequence[str] = ("-m", MODULE)) -> "StatementProcess":
        """command: what Python is to run."""
        return cls(await Worker.start(command, memory_mib), memory_mib)

    @property
    def alive(self) -> bool:
        return self._worker.alive

    @property
    def pid(self) -> int:
        return self._worker.pid

    async def carry_out(
        self, statement: dict[str, Any], answer: Answer, progress: Callable[[int], None]
    ) -> dict[str, Any]:
        """The last message, `{"outcome": ...}` or `{"failed": ...}`. progress is told bytes read so far.

        Raises ProcessDied. When it is cancelled, the process is ended.
        """
        try:
            await self._worker.send({"statement": statement})
            while True:
                message = await self._worker.receive()
                if "ask" in message:
                    await self._worker.send(await _answered(answer, message))
                elif "progress" in message:
                    progress(message["progress"]["scanned_bytes"])
                else:
                    return message
        except (ConnectionError, asyncio.IncompleteReadError, ValueError, KeyError, TypeError):
            raise ProcessDied(await self._how_it_ended()) from None
        except BaseException:
            self._worker.signal()  # What it still says would be taken for the next statement's.
            raise

    async def printed(self) -> str:
        """The last lines that it printed, of what it has just done."""
        await asyncio.sleep(LINES_S)  # They come by another pipe than messages.
        return "\n".join(self._worker.lines)

    async def _how_it_ended(self) -> str:
        how = await self._worker.ending()
        if "SIGKILL" in how or any("MemoryError" in line for line in self._worker.lines):
            return f"the process was killed, probably for using more memory than there is ({self._memory_mib} MiB)"
        return f"the process {how}{self._worker.last_line()}"

    async def kill(self) -> None:
        """End the process now."""
        await self._worker.kill()


async def _answered(answer: Answer, message: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": await answer(message["ask"], message.get("with") or {})}
    except Refused as refused:
        return {"refused": {"code": refused.code, "message": refused.message}}
