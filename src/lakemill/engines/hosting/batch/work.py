"""A batch of objects through a fleet: the part that does not care whose objects they are.

Every object is cut into records and these into requests; several requests are under way at once, over all objects, and
the answers are written in the order of the records. One slot is held from the reading of a request's records until its
answer is written, so memory is bounded by slots x (request + answer), whatever the size of an object. An object whose
every request succeeded becomes one output; one that failed does not, and the others are not touched by it.
"""

import asyncio
import collections
import dataclasses
import itertools
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from lakemill.engines.hosting.batch.processing import Processing, ProcessingError
from lakemill.engines.hosting.batch.splitting import Record, SplitError, bodies, body, records
from lakemill.engines.hosting.client import Answer, ServingClient
from lakemill.engines.hosting.errors import NoInstance, ServerError
from lakemill.engines.hosting.variant import Variant

RETRY_PAUSE_S = 0.2
ANSWER_BYTES_MAX = 1 << 30


@dataclasses.dataclass(frozen=True)
class Options:
    """How requests are made."""

    split: str = "none"
    """`none`, `line`, `recordio` or `tfrecord`."""
    several: bool = True
    """As many records in a request as fit."""
    payload_bytes_max: int | None = 6 << 20
    """None: no limit."""
    concurrent_max: int = 1
    """Requests under way at one instance."""
    gunzip: bool = False
    content_type: str = ""
    accept: str = ""
    line_after_answer: bool = False
    """End every answer with a line's end."""
    timeout_s: float = 600.0
    retries: int = 3
    framed: bool = False
    """Leave a lone record in its framing, because the content type means framed records."""


@dataclasses.dataclass(frozen=True)
class Task:
    """An object: where it comes from and what its output is called."""

    name: str
    """For messages."""
    read: Callable[[], Iterator[bytes]]
    """Its bytes in pieces; blocks."""
    keep: Callable[[Path], None]
    """Takes the file with the output; blocks."""


class TaskFailed(Exception):
    """One object failed. Fields: fault (`client` or `server`), lines (what to say about it in the log)."""

    def __init__(self, fault: str, *lines: str) -> None:
        super().__init__(lines[0])
        self.fault, self.lines = fault, lines


@dataclasses.dataclass
class Report:
    """How a batch went."""

    done: int = 0
    failures: list[tuple[Task, TaskFailed]] = dataclasses.field(default_factory=list)


class Batch:
    """Runs tasks through a variant; instance i of n takes every n-th task, so an object is never split between two.

    say: told what happened to an object, a line each. stopping: asked between requests.
    """

    def __init__(
        self,
        variant: Variant,
        options: Options,
        processing: Processing,
        folder: Path,
        *,
        say: Callable[[str], Awaitable[None]],
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._variant = variant
        self._options = options
        self._processing = processing
        self._folder = folder
        self._say = say
        self._stopping = stopping
        self._numbers = itertools.count()

    async def run(self, tasks: Sequence[Task]) -> Report:
        """Do them all. Raises Stopped."""
        report = Report()
        count = len(self._variant.slots)
        lanes = [self._lane(number, tasks[number::count], report) for number in range(count)]
        running = [asyncio.ensure_future(lane) for lane in lanes]
        try:
            await asyncio.gather(*running)
        finally:
            for lane in running:
                lane.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return report

    async def _lane(self, number: int, tasks: Iterable[Task], report: Report) -> None:
        """One instance's share: so many objects at once as it may have requests."""
        slots = asyncio.Semaphore(self._options.concurrent_max)
        waiting = collections.deque(tasks)

        async def worker() -> None:
            while waiting:
                task = waiting.popleft()
                try:
                    await self._task(task, number, slots)
                    report.done += 1
                except TaskFailed as failure:
                    report.failures.append((task, failure))
                    for line in failure.lines:
                        await self._say(f"{task.name}: {line}")

        workers = [asyncio.ensure_future(worker()) for _ in range(min(self._options.concurrent_max, len(waiting)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for one in workers:
                one.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _task(self, task: Task, number: int, slots: asyncio.Semaphore) -> None:
        path = self._folder / f"output-{next(self._numbers)}"
        groups = self._groups(task)
        asking: collections.deque[tuple[list[Record], asyncio.Task[Answer]]] = collections.deque()
        try:
            with path.open("wb") as sink:
                while True:
                    # Whoever waits for a slot must not hold an answer that could be written and would free one.
                    while slots.locked() and asking:
                        await self._write(sink, *asking.popleft(), slots)
                    await slots.acquire()
                    try:
                        self._check()
                        group = await asyncio.to_thread(self._next, groups)
                    except BaseException:
                        slots.release()
                        raise
                    if group is None:
                        slots.release()
                        break
                    asking.append((group, asyncio.ensure_future(self._ask(number, group))))
                while asking:
                    await self._write(sink, *asking.popleft(), slots)
            await asyncio.to_thread(task.keep, path)
        finally:
            for _, request in asking:
                request.cancel()
                slots.release()
            await asyncio.gather(*(request for _, request in asking), return_exceptions=True)
            await asyncio.to_thread(path.unlink, missing_ok=True)

    def _groups(self, task: Task) -> Iterator[list[Record]]:
        options = self._options
        pieces = gunzip(task.read()) if options.gunzip else task.read()
        found = records(pieces, options.split, options.payload_bytes_max)
        return bodies(found, options.split, options.several, options.payload_bytes_max)

    @staticmethod
    def _next(groups: Iterator[list[Record]]) -> list[Record] | None:
        try:
            return next(groups, None)
        except SplitError as error:
            raise TaskFailed("client", str(error)) from error

    async def _write(
        self, sink, group: list[Record], request: "asyncio.Task[Answer]", slots: asyncio.Semaphore
    ) -> None:
        try:
            answer = await request
            await asyncio.to_thread(self._append, sink, group, answer)
        finally:
            if not request.done():
                request.cancel()
            slots.release()

    def _append(self, sink: BinaryIO, group: list[Record], answer: Answer) -> None:
        data = answer.body
        if not self._processing.idle:
            try:
                data = b"\n".join(self._processing.after([record.payload for record in group], data))
            except ProcessingError as error:
                raise TaskFailed("client", str(error)) from error
        sink.write(data)
        # An answer that ends its last line itself must not be followed by an empty one.
        if self._options.line_after_answer and not data.endswith(b"\n"):
            sink.write(b"\n")

    async def _ask(self, number: int, group: list[Record]) -> Answer:
        """The answer to one request, tried again while that may help. Raises TaskFailed."""
        payload = await asyncio.to_thread(self._body, group)
        for attempt in itertools.count():
            failure = await self._try(number, payload)
            if isinstance(failure, Answer):
                return failure
            if failure.fault == "client" or attempt >= self._options.retries:
                raise failure
            await asyncio.sleep(RETRY_PAUSE_S * 2**attempt)
        raise AssertionError  # The loop returns or raises.

    def _body(self, group: list[Record]) -> bytes:
        if self._processing.idle:
            return body(group, self._options.split, self._options.several or self._options.framed)
        try:
            return self._processing.before([record.payload for record in group])
        except ProcessingError as error:
            raise TaskFailed("client", str(error)) from error

    async def _try(self, number: int, payload: bytes) -> "Answer | TaskFailed":
        options = self._options
        headers = {"Content-Type": options.content_type, "Accept": options.accept}
        try:
            client = await self._client(number)
            answer = await client.request(
                "POST",
                "/invocations",
                {name: value for name, value in headers.items() if value},
                payload,
                timeout_s=options.timeout_s,
                bytes_max=ANSWER_BYTES_MAX,
            )
        except (ServerError, NoInstance) as error:
            return TaskFailed("server", f"Unable to get response from algorithm: {error}")
        if 200 <= answer.status < 300:
            return answer
        text = answer.body.decode("utf-8", "replace").splitlines()[:50]
        if 400 <= answer.status < 500 and answer.status != 429:
            return TaskFailed("client", f"ClientError: {answer.status}", "", "Message:", *text)
        return TaskFailed("server", f"Bad HTTP status received from algorithm: {answer.status}", "", "Message:", *text)

    async def _client(self, number: int) -> ServingClient:
        """The lane's own instance, or, while that is being replaced, whichever is up."""
        instance = self._variant.slots[number].instance
        if instance is not None and self._variant.is_up(instance):
            return instance.client
        await self._variant.comeback(self._options.timeout_s)
        found = self._variant.any_up()
        if found is None:
            raise NoInstance(self._variant.spec.name)
        return found.client

    def _check(self) -> None:
        if self._stopping():
            raise Stopped


class Stopped(Exception):
    """The batch was told to stop."""


def gunzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes inside a gzip stream (also of several members one after the other). Raises SplitError."""
    decoder = zlib.decompressobj(wbits=31)
    begun = False
    for piece in pieces:
        while piece:
            begun = True
            try:
                data = decoder.decompress(piece, 1 << 20)
            except zlib.error as error:
                raise SplitError(f"the object is not gzip: {error}") from None
            if data:
                yield data
            piece = decoder.unconsumed_tail
            if decoder.eof:
                piece = decoder.unused_data
                decoder, begun = zlib.decompressobj(wbits=31), False
    if begun:
        raise SplitError("the object is not gzip: it ends too early")
