"""Metrics read out of a job's log: definitions, the series they give, and the last values.

Kept in table `training_metrics` under job, metric, run, time, host and offset of the log line:
{"t": milliseconds since 1970, "v": value}. Written with the lines themselves, so each counts once.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lakemill.algorithms.spec import AlgorithmSpec
from lakemill.engines.jobs import Line
from lakemill.ports.metadata import Metadata, Transaction, prefix_end

TABLE = "training_metrics"


class MetricReader:
    """Finds metric values in log lines, by an algorithm's definitions."""

    def __init__(self, spec: AlgorithmSpec) -> None:
        self._definitions = [(metric.name, re.compile(metric.regex)) for metric in spec.metrics]

    def values(self, text: str) -> Iterator[tuple[str, float]]:
        """(metric, value) for each definition the line satisfies; what is no number is ignored.

        A line is searched in its shipped form, where tabs are `#011`.
        """
        for name, regex in self._definitions:
            found = regex.search(text)
            if found:
                try:
                    yield name, float(found.group(1))
                except (ValueError, IndexError, TypeError):
                    continue

    def writing(self, job: str, run: int, lines: Sequence[Line]) -> Callable[[Transaction], Any] | None:
        """What stores the values of some lines, or None if they hold none."""
        rows = [
            (
                _key(job, name, f"{run:04d}{line.timestamp_ms:015d}{line.process}/{line.offset:020d}"),
                {"t": line.timestamp_ms, "v": value},
            )
            for line in lines
            for name, value in self.values(line.text)
        ]
        if not rows:
            return None

        def write(transaction: Transaction) -> None:
            for key, row in rows:
                transaction.put(TABLE, key, row)

        return write


def definitions(spec: AlgorithmSpec) -> list[dict[str, str]]:
    """MetricDefinitions, as DescribeTrainingJob shows them."""
    return [{"Name": metric.name, "Regex": metric.regex} for metric in spec.metrics]


def last_values(metadata: Metadata, job: str, spec: AlgorithmSpec) -> list[tuple[str, float, int]]:
    """(metric, last value, its time in ms) for every metric that has one."""
    found = []
    for name in dict.fromkeys(metric.name for metric in spec.metrics):
        start = _key(job, name, "")
        for _, row in metadata.scan(TABLE, start, prefix_end(start), limit=1, reverse=True):
            found.append((name, row["v"], row["t"]))
    return found


def series(metadata: Metadata, job: str, name: str) -> list[tuple[int, float]]:
    """(time in ms, value) of a metric, in the order of the log."""
    start = _key(job, name, "")
    return [(row["t"], row["v"]) for _, row in metadata.scan(TABLE, start, prefix_end(start))]


def _key(job: str, name: str, place: str) -> str:
    return f"{job}\x01{name}\x01{place}"
