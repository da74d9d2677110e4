"""Log lines: groups of streams of timestamped lines, durable, readable while they grow."""

from lakemill.engines.loglines.errors import GroupExists, GroupMissing, LogError, StreamExists, StreamMissing
from lakemill.engines.loglines.lines import Event, LogLines, Page

__all__ = [
    "Event",
    "GroupExists",
    "GroupMissing",
    "LogError",
    "LogLines",
    "Page",
    "StreamExists",
    "StreamMissing",
]
