"""A worker: one process that has loaded a function's code and answers one event at a time."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from lakemill.engines.functions.errors import FunctionUnavailable
from lakemill.engines.functions.frames import framed, read_frame
from lakemill.engines.functions.function import Function, Launch, Outcome
from lakemill.engines.functions.isolation import command
from lakemill.engines.functions.memory import largest_resident_bytes, resident_bytes
from lakemill.engines.workers import let_go

LINE_BYTES_MAX = 256 << 10
MEMORY_POLL_S = 0.05
"""How often a working process's memory is looked at."""
DRAIN_S_MAX = 2.0
"""How long the lines of an answered event are waited for."""

Sink = Callable[[str], None]


class Worker:
    """Made by `start`; then `ready` once, `invoke` any number of times, `stop`."""

    def __init__(self, function: Function, stream: str, process: asyncio.subprocess.Process, expires_s: float | None):
        self.function = function
        self.stream = stream
        """Name of the log stream its lines go to."""
        self.expires_s = expires_s
        self.uses = 0
        self.idle_since = time.monotonic()
        self.sink: Sink = lambda line: None
        self._process = process
        self._began = time.monotonic()
        self._pid: int | None = None
        self._peak_bytes = 0
        self._too_large = False
        self._marks: dict[str, asyncio.Event] = {}
        self._reading = asyncio.create_task(self._read_lines())

    @classmethod
    async def start(cls, function: Function, stream: str, launch: Launch) -> "Worker":
        """Raises FunctionUnavailable."""
        argv = command(launch)
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                cwd=None if launch.mounts else launch.folder,
                env=dict(launch.environment),
                start_new_session=True,
            )
        except OSError as error:
            raise FunctionUnavailable(f"{argv[0]} cannot be started: {error.strerror}") from None
        return cls(function, stream, process, launch.expires_s)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ready(self, timeout_s: float) -> Outcome | None:
        """None once the code is loaded; else what went wrong."""
        outcome = await self._answer("", timeout_s)
        return None if outcome.kind == "ready" else outcome

    @property
    def age_ms(self) -> float:
        """Since it was started."""
        return (time.monotonic() - self._began) * 1000

    async def invoke(self, header: dict[str, Any], payload: bytes, timeout_s: float) -> Outcome:
        """Let it work on one event. After any other kind than answered and failed the worker is gone."""
        began = time.monotonic()
        assert self._process.stdin is not None
        self._marks[header["id"]] = asyncio.Event()
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(framed(header, payload))
            await self._process.stdin.drain()
        outcome = await self._answer(header["id"], timeout_s)
        outcome.duration_ms = (time.monotonic() - began) * 1000
        self.idle_since = time.monotonic()
        return outcome

    async def _answer(self, request_id: str, timeout_s: float) -> Outcome:
        """Wait for the next frame, with an eye on the memory. Whatever else happens ends the process."""
        assert self._process.stdout is not None
        mark = self._marks.setdefault(request_id, asyncio.Event())
        watch = asyncio.create_task(self._watch_memory())
        try:
            async with asyncio.timeout(timeout_s):
                header, payload = await read_frame(self._process.stdout)
            self._pid = header.get("pid", self._pid)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S_MAX):
                    await mark.wait()
            return Outcome(
                header["outcome"],
                payload,
                header.get("type", ""),
                header.get("message", ""),
                request_id,
                peak_mib=header["peak_mib"],
            )
        except TimeoutError:
            await self.kill()
            return Outcome("timeout", request_id=request_id, peak_mib=self._peak_bytes >> 20)
        except (asyncio.IncompleteReadError, ValueError, KeyError, ConnectionError):
            return await self._gone(request_id)
        except asyncio.CancelledError:
            self._kill_group()
            raise
        finally:
            watch.cancel()
            self._marks.pop(request_id, None)

    async def _gone(self, request_id: str) -> Outcome:
        """The process closed its output: it is ending, or something else wrote there."""
        try:
            async with asyncio.timeout(1.0):
                code: int | None = await self._process.wait()
        except TimeoutError:
            code = None
        await self.kill()
        if self._too_large:
            return Outcome("memory", message="signal: killed", request_id=request_id, peak_mib=self.function.memory_mib)
        if code is None:
            message = "its answer could not be read"
        else:
            message = f"exit status {code}" if 0 <= code <= 128 else f"signal: {_signal(code)}"
        return Outcome("exited", message=message, request_id=request_id, peak_mib=self._peak_bytes >> 20)

    async def _watch_memory(self) -> None:
        """End the process when it has more than the function may have."""
        limit = self.function.memory_mib << 20
        while self.alive:
            self._peak_bytes = max(self._peak_bytes, self._resident_bytes())
            if self._peak_bytes > limit:
                self._too_large = True
                self._kill_group()
                return
            await asyncio.sleep(MEMORY_POLL_S)

    def _resident_bytes(self) -> int:
        """Of the process that runs the code; while it has not said which, of all that were started."""
        if self._pid is not None:
            return resident_bytes(self._pid)
        return largest_resident_bytes(self._process.pid)

    async def _read_lines(self) -> None:
        """Lines of standard error to the sink; those that only end an event's lines set its mark."""
        assert self._process.stderr is not None
        rest = b""
        while chunk := await self._process.stderr.read(64 << 10):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._line(line)
            while len(rest) > LINE_BYTES_MAX:
                self._line(rest[:LINE_BYTES_MAX])
                rest = rest[LINE_BYTES_MAX:]
        if rest:
            self._line(rest)
        for mark in self._marks.values():
            mark.set()

    def _line(self, line: bytes) -> None:
        text, zero, request_id = line.rpartition(b"\x00")
        mark = self._marks.get(request_id.decode(errors="replace")) if zero else None
        if mark is None:
            text = line
        for start in range(0, len(text), LINE_BYTES_MAX):
            self.sink(text[start : start + LINE_BYTES_MAX].decode(errors="replace"))
        if mark is not None:
            mark.set()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def kill(self) -> None:
        """End the process and what it started, now; its last lines are read."""
        self._kill_group()
        await self._process.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S_MAX):
                await asyncio.shield(self._reading)
        self._reading.cancel()
        await let_go(self._process)


def _signal(code: int) -> str:
    """A name for the number an exit code carries: negative of our own child's, 128 more inside a sandbox."""
    number = -code if code < 0 else code - 128
    names = {signal.SIGKILL: "killed", signal.SIGSEGV: "segmentation fault", signal.SIGABRT: "aborted"}
    return names.get(signal.Signals(number), str(number)) if number in set(signal.Signals) else str(number)
