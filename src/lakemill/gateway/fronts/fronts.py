"""All fronts of a platform: started when many clients call at once, and given connections by turns."""

import asyncio
import socket
import time
from collections.abc import Callable

from lakemill.gateway.fronts.running import RunningFront
from lakemill.gateway.wire import Application

FEW = 16
"""So many connections the platform keeps: it answers few clients sooner alone."""
FIRST_BYTES_MAX = 64 << 10
"""A connection from which more was read at once is not given away."""
AGAIN_S = 5
"""How long none is started after one has ended by itself."""
OF_JSON = b"\nx-amz-target:"
"""The header by which a call of AWS JSON is known."""


class Fronts:
    """At most count. note gets a sentence for the log when one ends that should not."""

    def __init__(self, application: Application, count: int, note: Callable[[str], None]) -> None:
        self._application = application
        self._count = count if hasattr(socket, "send_fds") else 0  # Windows has no such thing.
        self._note = note
        self._running: list[RunningFront] = []
        self._starting: asyncio.Task[None] | None = None
        self._not_before_s = 0.0
        self._turn = 0
        self._ended = False

    def give(self, descriptor: int, first: bytes, connections: int) -> bool:
        """Give a connection away whose next request begins with these bytes. False: it is to be served here.

        connections: how many there are.
        """
        if connections <= FEW or not self._count or self._ended:
            return False
        if len(first) > FIRST_BYTES_MAX or OF_JSON not in first.lower():
            return False
        if len(self._running) < self._count and self._starting is None and time.monotonic() >= self._not_before_s:
            self._starting = asyncio.get_running_loop().create_task(self.start())
        if not self._running:
            return False
        self._turn = (self._turn + 1) % len(self._running)
        return self._running[self._turn].give(descriptor, first)

    async def start(self) -> None:
        """Start one more."""
        try:
            front = RunningFront(self._application, self._gone)
            await front.start()
            if not front.lost:
                self._running.append(front)
        except OSError as error:
            self._not_before_s = time.monotonic() + AGAIN_S
            self._note(f"a front did not start: {error.strerror}")
        finally:
            self._starting = None

    def _gone(self, front: RunningFront) -> None:
        if self._ended:
            return
        if front in self._running:  # Not if it ended while it was started.
            self._running.remove(front)
        self._not_before_s = time.monotonic() + AGAIN_S
        self._note(f"front {front.pid} ended; its clients' connections are lost")

    async def stop(self, timeout_s: float) -> None:
        """Give none away any more, and let what the fronts have be answered; what has not by then is cut off."""
        self._ended = True
        if self._starting is not None:
            await self._starting
        await asyncio.gather(*[front.end(timeout_s) for front in self._running])
