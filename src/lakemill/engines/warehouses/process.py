"""The process of a warehouse, as the platform sees it; see `lakemill.warehouse.interface`.

Calls overlap in both directions. It ends with its standard input, and so with the platform.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from lakemill.engines.warehouses.errors import ProcessDied, Refused, SqlFailed
from lakemill.engines.workers import Worker

MODULE = "lakemill.warehouse.worker"
CLOSING_S = 20.0
"""What it gets to write everything into its files."""
Document = dict[str, Any]
Answer = Callable[[str, Document], Awaitable[Any]]
"""The answer to a question by its name and arguments. Raises Refused."""
Progress = Callable[[Any], None]

logger = logging.getLogger(__name__)


class WarehouseProcess:
    """Made by `start`; `answer` is asked what the process asks."""

    def __init__(self, worker: Worker, answer: Answer) -> None:
        self._worker, self._answer = worker, answer
        self._numbers = itertools.count(1)
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._progress: dict[int, Progress] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        self.ended = asyncio.Event()
        """Set once nothing more comes from it."""
        self.how = ""
        """How it ended, in words."""
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls, memory_mib: int, answer: Answer, command: Sequence[str] = ("-m", MODULE)
    ) -> "WarehouseProcess":
        """command: what Python is to run."""
        return cls(await Worker.start(command, memory_mib), answer)

    @property
    def pid(self) -> int:
        return self._worker.pid

    async def call(self, method: str, arguments: Document, progress: Progress | None = None) -> Any:
        """What a method of `interface.Process` returns. Raises SqlFailed, ProcessDied."""
        number = next(self._numbers)
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[number] = waiting
        if progress is not None:
            self._progress[number] = progress
        try:
            await self._send({"call": number, "method": method, "with": arguments})
            return await waiting
        finally:
            self._calls.pop(number, None)
            self._progress.pop(number, None)

    async def _send(self, message: Document) -> None:
        if self.ended.is_set():
            raise ProcessDied(f"the process of the warehouse {self.how}")
        async with self._writing:
            try:
                await self._worker.send(message)
            except ConnectionError:
                await self.ended.wait()
                raise ProcessDied(f"the process of the warehouse {self.how}") from None

    async def _read(self) -> None:
        try:
            while True:
                self._take(await self._worker.receive())
        except (ConnectionError, asyncio.IncompleteReadError, ValueError, KeyError, TypeError):
            self.how = f"{await self._worker.ending()}{self._worker.last_line()}"
        finally:
            self.how = self.how or "was ended"
            self.ended.set()
            for waiting in self._calls.values():
                if not waiting.done():
                    waiting.set_exception(ProcessDied(f"the process of the warehouse {self.how}"))

    def _take(self, message: Document) -> None:
        if "ask" in message:
            task = asyncio.create_task(self._answered(message["ask"], message["method"], message.get("with") or {}))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        elif "progress" in message:
            if (told := self._progress.get(message["progress"])) is not None:
                told(message.get("value"))
        elif "returned" in message:
            self._finish(message["returned"], lambda waiting: waiting.set_result(message.get("value")))
        else:
            error = message["error"]
            failure = SqlFailed(error.get("code", ""), error["message"])
            self._finish(message["failed"], lambda waiting: waiting.set_exception(failure))

    def _finish(self, number: int, end: Callable[[asyncio.Future[Any]], None]) -> None:
        waiting = self._calls.get(number)
        if waiting is not None and not waiting.done():
            end(waiting)

    async def _answered(self, number: int, method: str, arguments: Document) -> None:
        try:
            message = {"answer": number, "value": await self._answer(method, arguments)}
        except Refused as refused:
            message = {"refused": number, "error": {"code": refused.code, "message": refused.message}}
        except Exception as fault:
            logger.exception("a question of a warehouse: %s", method)
            message = {"refused": number, "error": {"code": "InternalError", "message": f"{method}: {fault}"}}
        with contextlib.suppress(ProcessDied):
            await self._send(message)

    async def close(self) -> None:
        """End it in order; by force if it takes too long."""
        with contextlib.suppress(ProcessDied, SqlFailed, TimeoutError):
            await asyncio.wait_for(self.call("close", {}), CLOSING_S)
        await self.kill()

    async def kill(self) -> None:
        """End it now."""
        await self._worker.kill(1.0)
        await self.ended.wait()
        await asyncio.wait([self._reading])
        if self._answering:  # What is half done in the lake must be whole before it can be taken back.
            await asyncio.wait(list(self._answering))
