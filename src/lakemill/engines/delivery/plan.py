"""What a delivery stream is to do: made by the service from the stream's document, carried out by the worker.

    source -> process -> buffers -> destination
                 \\-> errors           \\-> errors
    source ----------> backup (as the records came)

Every channel has buffers: the destination has one per partition, backup has one, errors have one per kind of error. A
buffer that is full or old enough goes to its channel's sink as a whole.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from lakemill.engines.delivery.records import Failure, Record

PROCESSING_FAILED = "processing-failed"


@dataclasses.dataclass(frozen=True, slots=True)
class Hints:
    """When a buffer is delivered: whichever comes first. interval_s 0: as soon as there is something."""

    size: int
    interval_s: float
    records_max: int = 1 << 62


@dataclasses.dataclass(slots=True)
class Load:
    """A buffer on its way out."""

    records: Sequence[Record]
    size: int
    oldest_ms: int
    """Arrival of its oldest record."""
    id: str
    """The same at every attempt."""
    keys: dict[str, str] = dataclasses.field(default_factory=dict)
    """Partition keys by `namespace:name`, of a partitioned destination."""
    error: str = ""
    """The kind of error, on the errors' channel."""
    began_s: float = 0.0
    """Time of the first attempt."""
    attempts: int = 0
    """Attempts so far, this one included."""


@dataclasses.dataclass(slots=True)
class Outcome:
    """What became of a load: records in neither list have arrived."""

    failures: list[Failure] = dataclasses.field(default_factory=list)
    """Records that cannot arrive, ever."""
    remaining: Sequence[Record] = dataclasses.field(default_factory=list)
    """Records to be tried again."""
    code: str = ""
    message: str = ""
    """Why, for those remaining."""
    final: bool = False
    """Do not try the remaining ones again."""
    lost: int = 0
    """Records that are given up and not written down either."""


class Sink(Protocol):
    """Where buffers go."""

    retry_s: float
    """How long to try, from the first attempt."""
    error: str
    """The kind of error under which its failures are written; "" if they are lost."""

    async def deliver(self, load: Load) -> Outcome:
        """One attempt. Raises only what is a fault of ours; that is tried again as well."""
        ...


@dataclasses.dataclass(slots=True)
class Channel:
    """A sink and the buffers before it."""

    hints: Hints
    sink: Sink


@dataclasses.dataclass(slots=True)
class Processed:
    """Records after processing.

    partitions: records and partition keys, per partition; the partition "" has no keys.
    """

    partitions: Mapping[str, tuple[dict[str, str], Sequence[Record]]]
    failures: list[Failure] = dataclasses.field(default_factory=list)


Process = Callable[[Sequence[Record]], Awaitable[Processed]]
Told = Callable[[str, str, str], Awaitable[None]]
DESTINATION, BACKUP, ERRORS = "destination", "backup", "errors"


@dataclasses.dataclass(slots=True)
class Plan:
    """What a worker carries out."""

    destination: Channel
    errors: Channel
    failed: Callable[[str, Sequence[Failure]], list[Record]]
    """(kind, failures) -> what is written down of them, a line each."""
    say: Told
    """Log a fault: (channel, code, message)."""
    unreadable: Callable[[], str | None] = lambda: None
    """Why a data stream that is the source may not be read, if so."""
    source_code: Callable[[Exception], str] = lambda fault: type(fault).__name__
    """The code of the fault for which the source cannot be read."""
    backup: Channel | None = None
    process: Process | None = None
    """None: records go to the destination as they are."""
    gather: Hints | None = None
    """How many records to process at a time."""
    elsewhere: bool = False
    """Whether only other processes look at the records; then they stay in the log until these read them."""
    keys: bool = True
    """Whether the records of a data stream are to have their partition keys."""
    partitions_max: int = 500
    """Open partitions; what would open another one fails."""
    stable: bool = True
    """Whether processing a record again gives the same partition. Where it may not, a restart passes over nothing."""
    overflow: tuple[str, str] = ("", "")
    """Code and message of those failures."""


Planner = Callable[[dict[str, Any]], Plan]
