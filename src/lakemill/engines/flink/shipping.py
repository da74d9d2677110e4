"""The log of a run on its way to where the application's messages are kept.

How far it came is kept in the same transaction as the lines, so that a crash neither loses nor doubles one.
"""

import asyncio
import contextlib
import ctypes
from pathlib import Path

from lakemill.engines.flink.program import Keep
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

TABLE = "flink_log_positions"
READ_BYTES = 1 << 20
LINE_BYTES_MAX = 256 * 1024
PUNCH_HOLE = 0x01 | 0x02
"""Of fallocate(2) on Linux: make a hole, keep the size."""


class Shipping:
    """Of one run, by its id."""

    def __init__(self, metadata: Metadata, clock: Clock, run_id: str, path: Path, keep: Keep) -> None:
        self._metadata, self._clock = metadata, clock
        self._run_id, self._path, self._keep = run_id, path, keep
        self._freed = 0

    async def ship(self, *, ended: bool = False) -> str:
        """Keep what was written since; with ended also a last line that has no end. The last line."""
        last = ""
        while True:
            position: int = self._metadata.get(TABLE, self._run_id) or 0
            data = await asyncio.to_thread(self._read, position)
            size = len(data) if ended and len(data) < READ_BYTES else data.rfind(b"\n") + 1
            if not size and len(data) >= LINE_BYTES_MAX:
                size = LINE_BYTES_MAX
            lines = [line for line in data[:size].decode(errors="replace").splitlines() if line.strip()]
            if size:
                await self._put(lines, position + size)
            last = lines[-1] if lines else last
            if len(data) < READ_BYTES:
                return last

    def _read(self, position: int) -> bytes:
        try:
            if position - self._freed >= READ_BYTES:
                self._free(position)
            with open(self._path, "rb") as file:
                file.seek(position)
                return file.read(READ_BYTES)
        except FileNotFoundError:
            return b""

    async def _put(self, lines: list[str], position: int) -> None:
        now_ms = int(self._clock.time() * 1000)
        keep = self._keep([(now_ms, line[:LINE_BYTES_MAX]) for line in lines]) if lines else None

        def work(transaction: Transaction) -> None:
            if keep is not None:
                keep(transaction)
            transaction.put(TABLE, self._run_id, position)

        await self._metadata.transact(work)

    def _free(self, position: int) -> None:
        """Give back what shipped lines take on the disk: a program may run for years. Positions stay as they are."""
        self._freed = position
        with contextlib.suppress(OSError, AttributeError), open(self._path, "r+b") as file:
            ctypes.CDLL(None).fallocate64(file.fileno(), PUNCH_HOLE, ctypes.c_int64(0), ctypes.c_int64(position))


async def forget(metadata: Metadata, application: str) -> None:
    """Of all runs of an application that is gone."""
    start = f"flink-{application}-"
    keys = [key for key, _ in metadata.scan(TABLE, start, start + "~")]

    def work(transaction: Transaction) -> None:
        for key in keys:
            transaction.delete(TABLE, key)

    if keys:
        await metadata.transact(work)
