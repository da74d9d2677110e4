"""A request's body as it comes over the wire."""

import asyncio
from collections.abc import Callable

HELD_BYTES_MAX = 1 << 20
"""The connection is read no more while this much waits to be taken."""
DRAIN_BYTES_MAX = 8 << 20
"""Unread request bytes we take off the wire after answering early, so that the client reads the answer."""


class ClientGone(ConnectionResetError):
    """The client closed the connection before its request or our answer was complete."""


class RequestBody:
    """Pieces, put in by the connection and taken out by whoever handles the request.

    wanted: called when somebody waits for more. taken: called with the size of each piece that was taken.
    """

    __slots__ = ("_pieces", "_taken", "_waiter", "_wanted", "arrived", "closed", "expects", "held_bytes", "lost")

    def __init__(
        self, wanted: Callable[[], None], taken: Callable[[int], None] | None = None, *, expects: bool = False
    ) -> None:
        self._pieces: list[bytes] = []
        self._wanted = wanted
        self._taken = taken
        self._waiter: asyncio.Future[None] | None = None
        self.held_bytes = 0
        self.arrived = False
        """Whether all of it has come."""
        self.expects = expects
        """Whether the client waits to be told to send it (Expect: 100-continue)."""
        self.lost = False
        """Whether the client sends no more: it has gone, or at least closed its side."""
        self.closed = False
        """Whether it reads no more either."""

    # The connection's side

    def feed(self, piece: bytes) -> None:
        """Take in what has come."""
        self._pieces.append(piece)
        self.held_bytes += len(piece)
        if self._waiter is not None:
            self._wake()

    def end(self) -> None:
        """That was all."""
        self.arrived = True
        if self._waiter is not None:
            self._wake()

    def lose(self, *, closed: bool = False) -> None:
        """The client sends no more. closed: nor does it read."""
        self.lost, self.closed = True, closed
        if self._waiter is not None:
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # The reader's side

    @property
    def ended(self) -> bool:
        """Whether all of it has come and was taken."""
        return self.arrived and not self._pieces

    def take_whole(self, bytes_max: int) -> bytes | None:
        """All that is left, without waiting: None unless it has come, as one piece of at most so many bytes."""
        if not self.arrived or len(self._pieces) != 1 or self.held_bytes > bytes_max:
            return None
        piece, self.held_bytes = self._pieces.pop(), 0
        if self._taken is not None:
            self._taken(len(piece))
        return piece

    async def next(self) -> bytes | None:
        """The next piece, None at the end. Raises ClientGone."""
        while True:
            if self._pieces:
                piece = self._pieces.pop(0)  # There are few: what they hold together is limited.
                self.held_bytes -= len(piece)
                if self._taken is not None:
                    self._taken(len(piece))
                return piece
            if self.arrived:
                return None
            if self.lost:
                raise ClientGone("the client closed the connection")
            self._wanted()
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    async def drain(self) -> bool:
        """Read and forget what is left, within reason; False if there is still more.

        A client that waits to be told to send its body is not told so for that.
        """
        size = 0
        while not self.ended:
            if self.expects or size > DRAIN_BYTES_MAX:
                return False
            try:
                size += len(await self.next() or b"")
            except ClientGone:
                return True
        return True
