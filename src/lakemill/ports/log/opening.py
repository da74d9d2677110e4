"""Which log to use: by one URL."""

from pathlib import Path

from lakemill.ports.clock import Clock
from lakemill.ports.log.embedded import EmbeddedLog
from lakemill.ports.log.port import Log


class LogUnavailable(Exception):
    """The log of this URL cannot be used; the text says why."""


def open_log(url: str, folder: Path, clock: Clock) -> Log:
    """The log at kafka://host:port[,host:port], or with an empty URL the one in the folder. Raises LogUnavailable."""
    if not url:
        return EmbeddedLog(folder, clock)
    if not url.startswith("kafka://"):
        raise LogUnavailable(f"the log's URL must be empty or kafka://host:port[,host:port]; got {url}")
    try:
        from lakemill.ports.log.kafka import KafkaLog

        return KafkaLog(url)
    except (ImportError, ValueError) as error:
        raise LogUnavailable(str(error)) from error
    except OSError as error:
        raise LogUnavailable(f"no answer from {url}: {error.strerror or error}") from error
