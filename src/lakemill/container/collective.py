"""The hosts of a job as one: torch.distributed with gloo.

The platform says where they meet in LAKEMILL_RENDEZVOUS, a `file://` or `tcp://` URL as torch.distributed has it; by
itself, without the platform, the first host listens on port 7777.
"""

import datetime
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from lakemill.algorithms.contract import Collective, SingleHost
from lakemill.algorithms.errors import InternalError
from lakemill.container.layout import Hosts

PORT = 7777
MEET_S = 300.0
"""How long the hosts wait for each other at the start."""
CALL_S = 24 * 3600.0
"""A host may be that much slower than the others; one that has died is noticed at once."""
GIVE_WAY_S = 3.0
"""The host that is the cause is to be seen failing first."""


@contextmanager
def meeting(hosts: Hosts, environment: Mapping[str, str] = os.environ) -> Iterator[Collective]:
    """The collective of a job. torch is loaded for several hosts only. Raises InternalError."""
    if len(hosts.all) == 1:
        yield SingleHost()
        return
    import torch.distributed as distributed

    where = environment.get("LAKEMILL_RENDEZVOUS") or f"tcp://{hosts.all[0]}:{PORT}"
    if where.startswith("file:") or "127.0.0.1" in where:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    try:
        distributed.init_process_group(
            "gloo",
            init_method=where,
            rank=hosts.all.index(hosts.current),
            world_size=len(hosts.all),
            timeout=datetime.timedelta(seconds=MEET_S),
        )
    except (RuntimeError, ValueError) as wrong:
        raise InternalError(f"{hosts.current} could not meet the other hosts at {where}: {wrong}") from None
    distributed.distributed_c10d._set_pg_timeout(datetime.timedelta(seconds=CALL_S))
    try:
        yield Gloo(hosts.all)
    finally:
        distributed.destroy_process_group()


class Gloo:
    """See `lakemill.algorithms.contract.Collective`."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        import torch
        import torch.distributed as distributed

        self._torch, self._distributed = torch, distributed
        self.rank: int = distributed.get_rank()
        self.size = len(hosts)

    def sum(self, array: np.ndarray) -> np.ndarray:
        total = np.array(array, order="C")  # torch works in place, and an array of no dimension is one too.
        tensor = self._torch.from_numpy(total.reshape(-1))
        self._together(lambda: self._distributed.all_reduce(tensor))
        return total

    def gather(self, value: Any) -> list[Any]:
        found: list[Any] = [None] * self.size
        self._together(lambda: self._distributed.all_gather_object(found, value))
        return found

    def broadcast(self, value: Any) -> Any:
        held = [value]
        self._together(lambda: self._distributed.broadcast_object_list(held, src=0))
        return held[0]

    def _together(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except RuntimeError as wrong:
            time.sleep(GIVE_WAY_S)
            raise InternalError(f"Another host of the job is lost: {wrong}") from None
