"""A gate before the writing of a stream: writers pass freely, resharding waits until none is inside.

A record whose shard was chosen must be in the log before that shard's end is fixed, or it would be acknowledged and
never read.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Gate:
    """One per stream. Used from the event loop only."""

    def __init__(self) -> None:
        self.inside = 0
        self.shut = False
        self._moved = asyncio.Event()

    async def opened(self) -> None:
        """Wait while it is shut."""
        while self.shut:
            await self._moved.wait()

    def enter(self) -> None:
        """Be inside, if it is not shut; `leave` must follow."""
        self.inside += 1

    def leave(self) -> None:
        self.inside -= 1
        if self.shut:
            self._moved.set()

    @contextlib.asynccontextmanager
    async def closed(self) -> AsyncIterator[None]:
        """Nobody is inside, and nobody enters. One such stay at a time."""
        await self.opened()
        self.shut = True
        self._moved.clear()
        try:
            while self.inside:
                self._moved.clear()
                await self._moved.wait()
            yield
        finally:
            self.shut = False
            self._moved.set()
