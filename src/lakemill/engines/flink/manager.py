"""Flink's job manager, asked over its port: https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/rest_api/."""

import http.client
import json
import time
from pathlib import Path
from typing import Any

from lakemill.engines.flink.errors import SnapshotFailed

TIMEOUT_S = 5.0
LOOK_S = 0.2
GONE_S_MAX = 10.0
STEADY_S_MAX = 30.0
REASON_CHARS_MAX = 500


class JobManager:
    """The one of one attempt. All methods block; call them from a thread."""

    def __init__(self, port: int, job: str) -> None:
        self._port, self._job = port, job

    def state(self) -> str | None:
        """Of the job, in Flink's words (RUNNING, RESTARTING, FAILED); None while there is none, or nobody answers.

        RUNNING means that every task runs, or has finished; while some do not yet, it is INITIALIZING.
        """
        jobs = self._ask("GET", "/jobs") or {"jobs": []}
        if not any(one["id"] == self._job for one in jobs["jobs"]):
            return None  # To ask for a job that is not there yet is an error in Flink's log.
        answer = self._ask("GET", f"/jobs/{self._job}")
        if answer is None or "state" not in answer:
            return None
        idle = sum(count for name, count in answer["status-counts"].items() if name not in ("RUNNING", "FINISHED"))
        return "INITIALIZING" if answer["state"] == "RUNNING" and idle else answer["state"]

    def plan(self) -> str | None:
        """The job's plan as JSON; None if nobody answers."""
        answer = self._ask("GET", f"/jobs/{self._job}/plan")
        return json.dumps(answer["plan"]) if answer and "plan" in answer else None

    def save(self, folder: Path, timeout_s: float, *, stop: bool) -> Path:
        """Save the job's state below a folder, and let the job end with it if stop; where it is.

        Raises SnapshotFailed.
        """
        target, deadline = folder.as_uri(), time.monotonic() + STEADY_S_MAX
        while self.state() != "RUNNING" and time.monotonic() < deadline:
            time.sleep(LOOK_S)  # Flink saves nothing while a task does not run.
        if stop:
            asked = self._ask("POST", f"/jobs/{self._job}/stop", {"targetDirectory": target, "drain": False})
        else:
            wish = {"target-directory": target, "cancel-job": False}
            asked = self._ask("POST", f"/jobs/{self._job}/savepoints", wish)
        if asked is None or "request-id" not in asked:
            raise SnapshotFailed("the job does not run")
        deadline, heard = time.monotonic() + timeout_s, time.monotonic()
        while time.monotonic() < deadline:
            answer = self._ask("GET", f"/jobs/{self._job}/savepoints/{asked['request-id']}")
            if answer is not None:
                heard = time.monotonic()
                if answer.get("status", {}).get("id") == "COMPLETED":
                    return _place(answer["operation"])
            found = next(folder.glob("savepoint-*/_metadata"), None)
            if stop and answer is None and found is not None:
                return found.parent  # It was written, and the job has ended with it before it could be asked.
            if time.monotonic() - heard > GONE_S_MAX:
                raise SnapshotFailed("Flink does not answer any more")
            time.sleep(LOOK_S)
        raise SnapshotFailed(f"it was not done within {timeout_s:.0f} seconds")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """The answer; None if there is none, or it is an error."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            content = answer.read()
            return json.loads(content) if answer.status < 300 else None
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()


def _place(operation: dict[str, Any]) -> Path:
    if "location" in operation:
        return Path(str(operation["location"]).removeprefix("file://").removeprefix("file:"))
    causes = str(operation.get("failure-cause", {}).get("stack-trace", "")).splitlines()
    reasons = [line for line in causes if line and not line.startswith(("\t", " "))]
    raise SnapshotFailed(reasons[-1][:REASON_CHARS_MAX] if reasons else "Flink gives no reason")
