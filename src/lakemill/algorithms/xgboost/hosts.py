"""Several hosts as one training: the xgboost library's own collective, arranged over the job's.

The first host starts the library's tracker and tells the others where it is. Every host trains on its own records with
histograms summed over all of them, so that all end with the same model; a host without records takes part all the same.
"""

import contextlib
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import CustomerError, InternalError
from lakemill.algorithms.xgboost.library import XGBoostError, plain_message

WAIT_S = 24 * 3600
"""How much slower a host may be than the others; one that has died is noticed at once."""


def check(values: Mapping[str, Any], size: int) -> None:
    """Raises CustomerError for what the library does on one host only."""
    if size == 1:
        return
    updaters = values["updater"] or ""
    if values["booster"] == "gblinear":
        raise CustomerError(f"booster gblinear trains on one instance; the job has {size}: use gbtree or one instance")
    if values["tree_method"] == "exact" or "grow_colmaker" in updaters:
        raise CustomerError(f"Exact splits are found on one instance; the job has {size}: use tree_method hist")
    if values["dsplit"] == "col":
        raise CustomerError("dsplit col is no longer supported by the library; records are split over hosts: use row")


@contextlib.contextmanager
def joined(context: TrainingContext) -> Iterator[None]:
    """Within it the library's calls are those of all hosts together. Raises InternalError if they cannot meet."""
    collective = context.collective
    if collective.size == 1:
        yield
        return
    from xgboost.collective import CommunicatorContext

    tracker = _started(context.host, collective.size) if collective.rank == 0 else None
    try:
        arguments = collective.broadcast(tracker.worker_args() if tracker else None)
        # The tracker numbers hosts by their task, so that ranks and with them all sums are the same in every run.
        arguments |= {"dmlc_task_id": f"{collective.rank:06d}", "dmlc_timeout": WAIT_S}
        with CommunicatorContext(**arguments):
            yield
        if tracker:
            tracker.wait_for()  # The others take their leave of it, too.
    finally:
        if tracker:
            with contextlib.suppress(XGBoostError):  # It complains of hosts that left in the middle; they said why.
                tracker.free()


def _started(host: str, size: int) -> Any:
    from xgboost.tracker import RabitTracker

    address = _address(host)
    for one in (address, "127.0.0.1"):
        try:
            tracker = RabitTracker(n_workers=size, host_ip=one, sortby="task")
            tracker.start()
            return tracker
        except XGBoostError as wrong:
            failure = plain_message(wrong)
    raise InternalError(f"The first host cannot listen at {address}: {failure}")


def _address(host: str) -> str:
    """Where the others reach this host: its name's address, or the machine itself where the name is no network name."""
    try:
        return socket.gethostbyname(host)
    except OSError:
        return "127.0.0.1"
