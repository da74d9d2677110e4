"""Which log to use: by one URL."""

from pathlib import Path

from lakemill.ports.clock import Clock
from lakemill.ports.log.embedded import EmbeddedLog
from lakemill.ports.log.port import Log


def open_log(url: str, folder: Path, clock: Clock) -> Log:
    """The log at kafka://host:port[,host:port], or with an empty URL the one in the folder.

    Raises ValueError for another URL, ImportError if a package is missing, OSError if no broker answers.
    """
    if not url:
        return EmbeddedLog(folder, clock)
    if not url.startswith("kafka://"):
        raise ValueError(f"the log's URL must be empty or kafka://host:port[,host:port]; got {url}")
    from lakemill.ports.log.kafka import KafkaLog

    return KafkaLog(url)
