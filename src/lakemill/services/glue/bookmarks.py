"""Bookmarks of jobs: what a job has read so far, by the names its sources have in its script.

A run's entry is {`version`, `run` (its number among the runs that saved), `attempt`, `previous`, `run_id`, `saved`,
`state`}; the last entry is the bookmark. What `state` holds is the business of awsglue.job, which reads and saves it.

https://docs.aws.amazon.com/glue/latest/dg/monitor-continuations.html
"""

import datetime
from collections.abc import Iterable
from typing import Any

import msgspec

from lakemill.ports.metadata import Reader, Transaction, prefix_end
from lakemill.services.base import ServiceError

TABLE = "glue_job_bookmarks"
KEPT = 100
"""Entries of a job."""

Document = dict[str, Any]


def entries(reader: Reader, scope: str, job: str) -> list[Document]:
    """A job's entries, oldest first."""
    prefix = _prefix(scope, job)
    return [entry for _, entry in reader.scan(TABLE, prefix, prefix_end(prefix))]


def version(found: list[Document]) -> int:
    """The bookmark's version: how often it was saved."""
    return found[-1]["version"] if found else 0


def save_in(transaction: Transaction, run: Document, expected: int, state: Document, now: datetime.datetime) -> int:
    """A run's new state, as it is to be kept; its version.

    expected: the version that the state was made from. Raises ServiceError VersionMismatchException.
    """
    scope, job = run["scope"], run["job"]
    found = entries(transaction, scope, job)
    if version(found) != expected:
        raise ServiceError(
            "VersionMismatchException",
            "Continuation update failed due to version mismatch. "
            f"Expected version {expected} but found version {version(found)}",
        )
    last = found[-1] if found else None
    again = last is not None and last["run_id"] == run["id"]
    number = (last["run"] if last else 0) + (0 if again else 1)
    previous = last["previous"] if last and again else last["run_id"] if last else None
    entry = {
        **{"version": expected + 1, "run": number, "attempt": run["attempt"], "previous": previous},
        **{"run_id": run["id"], "saved": now, "state": state},
    }
    transaction.put(TABLE, f"{_prefix(scope, job)}{number:08d}", entry)
    for old in found[: max(len(found) - KEPT + 1, 0)]:
        transaction.delete(TABLE, f"{_prefix(scope, job)}{old['run']:08d}")
    return expected + 1


def forget_in(transaction: Transaction, scope: str, job: str) -> None:
    """Nothing was read."""
    _delete(transaction, scope, job, entries(transaction, scope, job))


def rewind_in(transaction: Transaction, scope: str, job: str, run_id: str) -> Document:
    """Only what was read up to a run's end was read. Raises ServiceError EntityNotFoundException."""
    found = entries(transaction, scope, job)
    wanted = next((entry for entry in found if entry["run_id"] == run_id), None)
    if wanted is None:
        raise missing(job, run_id)
    _delete(transaction, scope, job, (entry for entry in found if entry["run"] > wanted["run"]))
    kept = wanted | {"version": version(found) + 1}
    transaction.put(TABLE, f"{_prefix(scope, job)}{wanted['run']:08d}", kept)
    return kept


def as_of(found: list[Document], run: Document) -> Document:
    """The state that a run left or found: of the last one that saved before and including it."""
    began = run["created"]
    before = [entry for entry in found if entry["run_id"] == run["id"] or entry["saved"] < began]
    return before[-1]["state"] if before else {}


def missing(job: str, run_id: str | None = None) -> ServiceError:
    """Nothing was saved."""
    which = f" and run {run_id}" if run_id else ""
    return ServiceError("EntityNotFoundException", f"Continuation for job {job}{which} not found")


def described(job: str, entry: Document | None) -> Document:
    """A JobBookmarkEntry."""
    if entry is None:
        return {"JobName": job, "Version": 0, "Run": 0, "Attempt": 0, "JobBookmark": "{}"}
    answer = {
        "JobName": job,
        "Version": entry["version"],
        "Run": entry["run"],
        "Attempt": entry["attempt"],
        "RunId": entry["run_id"],
        "JobBookmark": msgspec.json.encode(entry["state"]).decode(),
    }
    return answer | ({"PreviousRunId": entry["previous"]} if entry["previous"] else {})


def _delete(transaction: Transaction, scope: str, job: str, which: Iterable[Document]) -> None:
    for entry in which:
        transaction.delete(TABLE, f"{_prefix(scope, job)}{entry['run']:08d}")


def _prefix(scope: str, job: str) -> str:
    return f"{scope}\x01{job}\x01"
