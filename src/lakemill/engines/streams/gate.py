"""A gate before the writing of a stream: writers pass freely, resharding waits until none is inside.

A record whose shard was chosen must be in the log before that shard's end is fixed, or it would be acknowledged and
never read.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Gate:
    """One per stream. Used from the event loop only.

    Those before the gate and the one who waits for it to be empty wait for different things, so each has an event: one
    for both would be set while the gate is shut, and a wait for an event that is set never lets others have a turn.
    """

    def __init__(self) -> None:
        self.inside = 0
        self.shut = False
        self._open, self._empty = asyncio.Event(), asyncio.Event()

    async def opened(self) -> None:
        """Wait while it is shut."""
        while self.shut:
            await self._open.wait()

    def enter(self) -> None:
        """Be inside, if it is not shut; `leave` must follow."""
        self.inside += 1

    def leave(self) -> None:
        self.inside -= 1
        if self.shut and not self.inside:
            self._empty.set()

    @contextlib.asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Nobody is inside, and nobody enters. One such stay at a time."""
        await self.opened()
        self.shut = True
        self._open.clear()
        self._empty.clear()
        try:
            if self.inside:
                await self._empty.wait()
            yield
        finally:
            self.shut = False
            self._open.set()
