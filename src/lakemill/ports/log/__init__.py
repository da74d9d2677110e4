"""Log: records in order, kept until they are too old. See `port` for the promises."""

from lakemill.ports.log.embedded import EmbeddedLog
from lakemill.ports.log.located import check_block
from lakemill.ports.log.opening import LogUnavailable, open_log
from lakemill.ports.log.port import (
    Bounds,
    Entry,
    Located,
    Log,
    LogDamaged,
    LogExists,
    LogMissing,
    Record,
    Records,
    Stretch,
    Unread,
)
from lakemill.ports.log.stretches import as_records, stretched, weight

__all__ = [
    "Bounds",
    "EmbeddedLog",
    "Entry",
    "Located",
    "Log",
    "LogDamaged",
    "LogExists",
    "LogMissing",
    "LogUnavailable",
    "Record",
    "Records",
    "Stretch",
    "Unread",
    "as_records",
    "check_block",
    "open_log",
    "stretched",
    "weight",
]
