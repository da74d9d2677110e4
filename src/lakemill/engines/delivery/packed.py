"""Records of data streams that a producer packed together: told from others, and taken apart."""

from collections.abc import Sequence

from lakemill.engines.delivery.parts import Listed, Logged, Part
from lakemill.engines.delivery.records import Record
from lakemill.engines.delivery.rows import Rows
from lakemill.formats.kpl import MAGIC, deaggregate


class Packed(Exception):
    """Among records that were handed over are packed ones."""


def is_packed(data: bytes | bytearray, begin: int = 0, end: int | None = None) -> bool:
    """Whether a packed record may be there: its mark is. To look for one byte first takes a fortieth of the time."""
    end = len(data) if end is None else end
    return data.find(MAGIC[:1], begin, end) >= 0 and data.find(MAGIC, begin, end) >= 0


def taken_apart(logged: Logged) -> Sequence[Part]:
    """The records as they are, or one by one if some were packed together."""
    if not is_packed(bytes(logged.joined()[0])):
        return [logged]
    records: list[Record] = []
    for one in logged:
        parts = deaggregate(one.data, one.key)
        if parts is None:
            records.append(one)
        else:
            records += [
                Record(part.data, one.arrival_ms, one.sequence, one.shard, part.partition_key, sub)
                for sub, part in enumerate(parts)
            ]
    return [Listed(records)] if records else []


def unpacked(records: Sequence[Record]) -> Rows:
    """Records of data streams that nobody has looked at yet, taken apart. Waits for the disk; raises LogDamaged."""
    found = Rows()
    for part in Rows.of(records).parts:
        for apart in taken_apart(part) if isinstance(part, Logged) and part.origin.shard else [part]:
            found.append(apart)
    return found
