"""Log: records in order, kept until they are too old. See `port` for the promises."""

from lakemill.ports.log.port import Bounds, Entry, Log, LogDamaged, LogExists, LogMissing, Record

__all__ = ["Bounds", "Entry", "Log", "LogDamaged", "LogExists", "LogMissing", "Record"]
