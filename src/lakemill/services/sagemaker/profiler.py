"""System metrics of a running job, in the files SageMaker Debugger's readers expect.

Every interval (500 ms) the use of each CPU and of the memory is noted; every minute, and at the end, what was noted
goes to `<S3OutputPath>/<job>/profiler-output/system/incremental/<yyyymmddhh>/<minute, epoch s>.algo-1.json`, an event
per line: {"Type", "Name", "Dimension", "Value", "NodeId", "Timestamp"}.
"""

import datetime
import json
import threading
from collections.abc import Mapping
from typing import Any

import psutil

from lakemill.ports.clock import Clock
from lakemill.services.sagemaker.access import ClientFailure
from lakemill.services.sagemaker.artifacts import Uploads

INTERVAL_MS = 500


def wanted(request: Mapping[str, Any]) -> bool:
    """Whether a CreateTrainingJob asks for system metrics."""
    given = request.get("ProfilerConfig", {})
    return bool(given.get("S3OutputPath")) and not given.get("DisableProfiler", False)


class Profiler:
    """Samples on a thread of its own from `start` to `finish`."""

    def __init__(self, uploads: Uploads, clock: Clock, host: str, interval_ms: int | None = None) -> None:
        self._uploads, self._clock, self._host = uploads, clock, host
        self._interval_s = (interval_ms or INTERVAL_MS) / 1000
        self._done = threading.Event()
        self._events: list[dict[str, Any]] = []
        self._minute = 0
        self._thread = threading.Thread(target=self._run, name="profiler", daemon=True)

    def start(self) -> None:
        psutil.cpu_percent(percpu=True)  # The first call only sets the mark that the next one measures from.
        self._thread.start()

    def finish(self) -> None:
        """Upload the rest. Metrics that cannot be written do not fail a job that trained."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(self._interval_s):
            self._sample()
        self._sample()
        self._flush()

    def _sample(self) -> None:
        now = self._clock.time()
        minute = int(now // 60) * 60
        if minute != self._minute:
            self._flush()
            self._minute = minute
        percents = psutil.cpu_percent(percpu=True)
        self._events += [
            self._event("cpu", f"cpu{i}", "CPUUtilization", value, now) for i, value in enumerate(percents)
        ]
        used = psutil.virtual_memory().percent
        self._events.append(self._event("memory", "MemoryUsedPercent", "MemoryUsedPercent", used, now))

    def _event(self, kind: str, name: str, dimension: str, value: float, now: float) -> dict[str, Any]:
        node = {"NodeId": self._host, "Timestamp": now}
        return {"Type": kind, "Name": name, "Dimension": dimension, "Value": value} | node

    def _flush(self) -> None:
        events, self._events = self._events, []
        if not events:
            return
        hour = datetime.datetime.fromtimestamp(self._minute, datetime.UTC).strftime("%Y%m%d%H")
        text = "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in events)
        try:
            self._uploads.bytes(text.encode(), f"system/incremental/{hour}/{self._minute}.{self._host}.json")
        except ClientFailure:  # The role may not write there; the training itself must not fail for that.
            self._done.set()
