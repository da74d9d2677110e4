"""The thread in which crawls read: one, since each keeps a connection to the metadata store, with pages of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Do = Callable[..., Awaitable[Any]]
"""Does blocking work away from the event loop, as asyncio.to_thread does: the work, then its arguments."""


class Thread:
    """A Do."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="crawl")

    async def __call__(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
