"""Several works at once, all or none."""

import asyncio
from collections.abc import Iterable
from typing import Any


async def together(works: Iterable[Any]) -> None:
    """Run all; when one fails, cancel the others, wait for them, and raise its error."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        for task in asyncio.as_completed(tasks):
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
