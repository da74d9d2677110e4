"""Processes that look into frames: what was sent in by anybody is never decoded in the platform itself."""

import asyncio
import contextlib
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from lakemill.engines.video.errors import ClipImpossible
from lakemill.formats.mp4 import WITHOUT_PYAV

WORKERS_MAX = 2
TIMEOUT_S = 120.0


class Workers:
    """folder: for files under way. At most two processes run at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._free = asyncio.Semaphore(WORKERS_MAX)

    def recover(self) -> int:
        """Remove what a crash has left; how many files."""
        leftovers = list(self._folder.iterdir()) if self._folder.exists() else []
        for path in leftovers:
            path.unlink()
        return len(leftovers)

    @contextlib.contextmanager
    def files(self, *endings: str) -> Iterator[list[Path]]:
        """Names for files, which are removed in the end."""
        self._folder.mkdir(parents=True, exist_ok=True)
        paths = [self._folder / f"{uuid.uuid4().hex}{ending}" for ending in endings]
        try:
            yield paths
        finally:
            for path in paths:
                path.unlink(missing_ok=True)

    async def run(self, module: str, *arguments: str, said: bytes = b"") -> None:
        """Run a module of ours with these arguments and this input. Raises ClipImpossible."""
        async with self._free:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module, *arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            try:
                _, errors = await asyncio.wait_for(process.communicate(said), TIMEOUT_S)
            except TimeoutError:
                raise ClipImpossible("frames", f"the frames could not be read in {TIMEOUT_S:.0f} seconds") from None
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        if process.returncode != 0:
            lines = errors.decode("utf-8", "replace").strip().splitlines()
            kind = "player" if process.returncode == WITHOUT_PYAV else "frames"
            raise ClipImpossible(kind, lines[-1] if lines else "the frames cannot be read")
