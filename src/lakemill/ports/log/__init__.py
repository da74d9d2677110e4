"""Log: records in order, kept until they are too old. See `port` for the promises."""

from lakemill.ports.log.embedded import EmbeddedLog
from lakemill.ports.log.opening import LogUnavailable, open_log
from lakemill.ports.log.port import Bounds, Entry, Log, LogDamaged, LogExists, LogMissing, Record, Stretch
from lakemill.ports.log.stretches import as_records, stretched

__all__ = [
    "Bounds",
    "EmbeddedLog",
    "Entry",
    "Log",
    "LogDamaged",
    "LogExists",
    "LogMissing",
    "LogUnavailable",
    "Record",
    "Stretch",
    "as_records",
    "open_log",
    "stretched",
]
