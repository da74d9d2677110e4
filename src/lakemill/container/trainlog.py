"""The lines a built-in algorithm prints; AWS's metric regexes are made for exactly these forms."""

import datetime
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO


class StandardTrainingLog:
    """Prints to standard output, line by line.

    Before each line but `raw` ones stands `[mm/dd/YYYY HH:MM:SS INFO pid] `, in UTC. now: seconds since the epoch.
    """

    def __init__(
        self, algorithm: str, host: str = "algo-1", out: TextIO | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._algorithm = algorithm
        self._host = host
        self._out = sys.stdout if out is None else out
        self._now = now
        self._metrics_since = now()

    def info(self, text: str) -> None:
        self._line("INFO", text)

    def warning(self, text: str) -> None:
        self._line("WARNING", text)

    def error(self, text: str) -> None:
        self._line("ERROR", text)

    def raw(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()

    def quality(
        self, name: str, value: float, *, epoch: int | None = None, batch: int | None = None, kind: str = "loss"
    ) -> None:
        place = "" if epoch is None else f"epoch={epoch}, "
        if batch is not None:
            place += f"batch={batch} "  # No comma after the batch, as AWS prints it.
        self.info(f"#quality_metric: host={self._host}, {place}{name} <{kind}>={_number(value)}")

    def progress(self, fraction: float) -> None:
        self.info(f"#progress_metric: host={self._host}, completed {round(100.0 * fraction, 4)} % of epochs")

    def throughput(self, records_per_s: float) -> None:
        self.info(f"#throughput_metric: host={self._host}, train throughput={_number(records_per_s)} records/second")

    def score(self, split: str, name: str, value: float) -> None:
        self.info(f"#{split}_score ({self._host}) : ({name!r}, {_number(value)})")

    def metrics(self, values: Mapping[str, float], dimensions: Mapping[str, Any] | None = None) -> None:
        end = self._now()
        named = {"Algorithm": self._algorithm, "Host": self._host, "Operation": "training", **(dimensions or {})}
        sums = {name: {"sum": value, "count": 1, "min": value, "max": value} for name, value in values.items()}
        line = {"StartTime": self._metrics_since, "EndTime": end, "Dimensions": named, "Metrics": sums}
        self._metrics_since = end
        self.raw("#metrics " + json.dumps(line, default=float))

    def _line(self, level: str, text: str) -> None:
        when = datetime.datetime.fromtimestamp(self._now(), datetime.UTC)
        self.raw(f"[{when:%m/%d/%Y %H:%M:%S} {level} {os.getpid()}] {text}")


def _number(value: float) -> str:
    return repr(float(value))
