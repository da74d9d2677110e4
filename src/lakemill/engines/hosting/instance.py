"""One serving process: started, watched, found again after a restart of the platform, stopped.

An instance is one run of one process. When the process dies, another instance with another id takes its place
(`fleet.Slot` sees to that), so a log stream belongs to one run.
"""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from lakemill.engines.hosting.client import Address, ServingClient
from lakemill.engines.hosting.errors import ServerError, ServerGone, StartFailed
from lakemill.engines.hosting.logs import LogShipper
from lakemill.engines.hosting.serving import STOP_GRACE_S, Ground, Launch, forget_socket
from lakemill.ports.compute.port import ComputeRefused, RunSpec

PING_TIMEOUT_S = 2.0
PING_PERIOD_S = 5.0
POLL_PERIOD_S = 1.0
SICK_PINGS = 3
"""Failed pings in a row that make an idle instance sick. A busy one may rightly be too busy to answer."""


class Instance:
    """A serving process and the client that talks to it."""

    def __init__(self, ground: Ground, identifier: str, address: Address, shipper: LogShipper) -> None:
        self.id = identifier
        self.address = address
        self._ground = ground
        self._shipper = shipper
        self._shipping: asyncio.Task | None = None
        self._doubt = asyncio.Event()
        self.client = ServingClient(address, on_lost=self._doubt.set)

    @property
    def run_id(self) -> str:
        return run_id(self.id)

    def record(self) -> dict[str, Any]:
        """What must be remembered to find it again."""
        address = str(self.address) if isinstance(self.address, Path) else list(self.address)
        return {"id": self.id, "address": address}

    def suspect(self) -> None:
        """Somebody could not reach it: look at once."""
        self._doubt.set()

    async def start(self, launch: Launch, folder: Path, *, network: bool) -> None:
        """Start the process. Raises ComputeRefused."""
        if not network and not isinstance(launch.address, Path):
            raise ComputeRefused("a process without a network can be reached by a unix socket only, and it has none")
        spec = RunSpec(
            argv=launch.argv,
            environment=launch.environment,
            folder=folder,
            network=network,
            stop_grace_s=STOP_GRACE_S,
        )
        starting = asyncio.ensure_future(asyncio.to_thread(self._ground.compute.start, self.run_id, spec))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread goes on; what it starts must be known before anybody can stop it.
            await asyncio.wait([starting])
            raise
        self._ship()

    async def attach(self) -> bool:
        """Take over a process that an earlier life of the platform started; whether it is alive and well."""
        if not await self.running() or not await self.ping() or not await self._listens():
            return False
        self._ship()
        return True

    def _ship(self) -> None:
        self._shipper.path = self._ground.compute.log(self.run_id)
        self._shipping = asyncio.create_task(self._shipper.follow(), name=f"logs of {self.id}")

    async def healthy(self, timeout_s: float) -> None:
        """Return once /ping answers 200. Raises StartFailed, kind `exited` or `unhealthy` (variant left empty)."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        pause_s = 0.05
        while True:
            answered = await self.ping()
            if not await self.running():
                raise StartFailed("exited", "", await self._how_it_ended())
            if answered and await self._listens():
                return
            if loop.time() >= deadline:
                raise StartFailed("unhealthy", "", f"no 200 from /ping within {timeout_s:g} s")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.3, 0.5)

    async def watch(self, well: Callable[[], None]) -> str:
        """Return when the instance is of no more use, saying why; `well` is called after each good ping."""
        loop = asyncio.get_running_loop()
        failures, next_ping = 0, loop.time() + PING_PERIOD_S
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._doubt.wait(), POLL_PERIOD_S)
            doubted = self._doubt.is_set()
            self._doubt.clear()
            if not await self.running():
                return await self._how_it_ended()
            if not doubted and loop.time() < next_ping:
                continue
            next_ping = loop.time() + PING_PERIOD_S
            idle = self.client.in_flight == 0
            if await self.ping():
                failures = 0
                well()
            elif not doubted:
                failures += idle
            if failures >= SICK_PINGS:
                return f"/ping failed {failures} times in a row"

    async def ping(self) -> bool:
        try:
            answer = await self.client.request("GET", "/ping", timeout_s=PING_TIMEOUT_S, bytes_max=1 << 20)
        except ServerError as error:
            return isinstance(error, ServerGone) and error.stale and await self.ping()
        return answer.status == 200

    async def running(self) -> bool:
        state = await asyncio.to_thread(self._ground.compute.poll, self.run_id)
        return state.state == "running"

    async def stop(self) -> None:
        """End the process and ship the rest of its log; returns when it has ended."""
        self.client.close()
        compute = self._ground.compute
        await asyncio.to_thread(compute.stop, self.run_id, STOP_GRACE_S)
        await asyncio.to_thread(compute.wait, self.run_id, STOP_GRACE_S + 10)
        await self.retire()

    async def retire(self) -> None:
        """What remains to be done about a process that has ended."""
        self.client.close()
        await self.leave()
        await self._shipper.finish()
        await asyncio.to_thread(self._ground.compute.forget, self.run_id)
        await asyncio.to_thread(forget_socket, self.address)

    async def leave(self) -> None:
        """Let go of the process without ending it."""
        if self._shipping is not None:
            self._shipping.cancel()
            await asyncio.gather(self._shipping, return_exceptions=True)
            self._shipping = None

    async def _listens(self) -> bool:
        """Whether the port is held by our process, and not by a stranger who happens to answer /ping."""
        if isinstance(self.address, Path):
            return True
        state = await asyncio.to_thread(self._ground.compute.poll, self.run_id)
        return state.pid is None or await asyncio.to_thread(listens, state.pid, self.address[1])

    async def _how_it_ended(self) -> str:
        state = await asyncio.to_thread(self._ground.compute.poll, self.run_id)
        return (
            f"the process ended with exit code {state.exit_code}" if state.state == "exited" else "the process is gone"
        )


def listens(pid: int, port: int) -> bool:
    """Whether the process or a descendant listens on a TCP port; True where that cannot be told.

    The processes of a run may hide behind a supervisor, a sandbox or another user; a doubt must not keep a model down.
    """
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return True
    held: set[int] = set()
    for one in family:
        try:
            found = one.net_connections("tcp")
        except psutil.Error:
            return True
        held |= {connection.laddr.port for connection in found if connection.status == psutil.CONN_LISTEN}
    return port in held


def new_id() -> str:
    """As instances of a cloud are called."""
    return f"i-{secrets.token_hex(9)[:17]}"


def free_port() -> int:
    """A TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_id(identifier: str) -> str:
    """The run that an instance is, as the compute port knows it."""
    return f"serve-{identifier}"


def address_of(record: dict[str, Any]) -> Address:
    """The address in `Instance.record()`, after it was stored."""
    kept = record["address"]
    return Path(kept) if isinstance(kept, str) else (kept[0], kept[1])
