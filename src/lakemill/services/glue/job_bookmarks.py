"""Bookmarks through the API, and the page by which a run's script reads and saves its job's."""

import asyncio
from typing import Any
from urllib.parse import parse_qs

import msgspec

from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Transaction
from lakemill.services.base import Call, HttpRequest, ServiceError, operation
from lakemill.services.glue import bookmarks, job_arguments
from lakemill.services.glue.jobs import job_named, scope
from lakemill.services.glue.runs import ENDED, RUN, Runs
from lakemill.services.rolekeys import RoleKeys

PATH = "/_lakemill/glue/bookmarks"
STATE_BYTES_MAX = 8 << 20
RECEIVE_S_MAX = 30.0

Answer = tuple[int, list[tuple[str, str]], bytes]


class BookmarkOperations:
    """Read and reset."""

    def __init__(self, runs: Runs) -> None:
        self._resources = runs.resources

    @operation("GetJobBookmark")
    def get_job_bookmark(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, run_id = request["JobName"], request.get("RunId")
        found = bookmarks.entries(self._resources.metadata, scope(call), name)
        if run_id:
            found = [entry for entry in found if entry["run_id"] == run_id]
        if not found:
            raise bookmarks.missing(name, run_id)
        return {"JobBookmarkEntry": bookmarks.described(name, found[-1])}

    @operation("ResetJobBookmark")
    async def reset_job_bookmark(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, run_id = request["JobName"], request.get("RunId")

        def work(transaction: Transaction) -> dict[str, Any] | None:
            job_named(self._resources, scope(call), name, transaction)
            if run_id:
                return bookmarks.rewind_in(transaction, scope(call), name, run_id)
            if not bookmarks.entries(transaction, scope(call), name):
                raise bookmarks.missing(name)
            bookmarks.forget_in(transaction, scope(call), name)
            return None

        entry = await self._resources.metadata.transact(work)
        return {"JobBookmarkEntry": bookmarks.described(name, entry)}


class BookmarkPage:
    """What a run's script asks, showing the run's token.

    GET answers {"version", "state"}, and with ?from=RUN&to=RUN the states of these runs as "from" and "to".
    PUT takes {"version", "state"}, with the version that was read, and answers {"version"}.
    """

    def __init__(self, runs: Runs, keys: RoleKeys, clock: Clock) -> None:
        self._runs, self._keys, self._clock = runs, keys, clock

    async def answer(self, http: HttpRequest) -> Answer:
        holder = self._keys.holder(http.header("authorization") or "")
        if holder is None:
            return _json(403, {"message": "This token is none of ours."})
        place, _, name = holder.id.partition("\n")
        try:
            if http.method == "GET":
                return _json(200, self._read(place, name, parse_qs(http.query_string.decode("latin-1"))))
            if http.method == "PUT":
                given = msgspec.json.decode(await _body(http), type=Saved)
                return _json(200, {"version": await self._save(place, name, given)})
        except ServiceError as error:
            return _json(409 if error.code == "VersionMismatchException" else 400, {"message": error.message})
        except (msgspec.MsgspecError, ValueError) as error:
            return _json(400, {"message": str(error)})
        return _json(405, {"message": "Only GET and PUT."})

    def _read(self, place: str, name: str, query: dict[str, list[str]]) -> dict[str, Any]:
        job = self._runs.named(place, name)["job"]
        found = bookmarks.entries(self._runs.resources.metadata, place, job)
        ends = {
            end: bookmarks.as_of(found, self._runs.get(place, job, query[end][0]))
            for end in ("from", "to")
            if end in query
        }
        return {"version": bookmarks.version(found), "state": found[-1]["state"] if found else {}} | ends

    async def _save(self, place: str, name: str, given: "Saved") -> int:
        def work(transaction: Transaction) -> int:
            run = self._runs.resources.find(RUN, place, name, transaction)
            if run is None:
                raise ServiceError("EntityNotFoundException", "The run is gone.")
            option = job_arguments.effective(run["definition"], run["given"]).get(job_arguments.BOOKMARK)
            if run["status"] in ENDED or option != job_arguments.BOOKMARKS[0]:
                raise ServiceError("InvalidInputException", f"Run {run['id']} saves no bookmark.")
            return bookmarks.save_in(transaction, run, given.version, given.state, self._clock.now())

        return await self._runs.resources.metadata.transact(work)


class Saved(msgspec.Struct):
    """A new state, and the version it was made from."""

    version: int
    state: dict[str, Any]


async def _body(http: HttpRequest) -> bytes:
    """Raises ValueError if it is too long, or does not come."""
    body = bytearray()
    try:
        async with asyncio.timeout(RECEIVE_S_MAX):
            while (piece := await http.receive()) is not None:
                body += piece
                if len(body) > STATE_BYTES_MAX:
                    raise ValueError(f"A bookmark has at most {STATE_BYTES_MAX} bytes.")
    except TimeoutError:
        raise ValueError("The bookmark did not come.") from None
    return bytes(body)


def _json(status: int, body: dict[str, Any]) -> Answer:
    return status, [("content-type", "application/json")], msgspec.json.encode(body)
