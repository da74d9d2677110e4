"""Which objects a job has read: the state that awsglue.job reads and saves, through lakemill's page of bookmarks.

For each context of a source the state holds `until`, the time of the newest object that was read, in milliseconds, and
`recent`, the ETags of those of the last minutes before by their addresses: an object that appears late, with a time
before `until`, is read as well, and one that was written again comes again.
"""

import dataclasses
import json
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from typing import Any

from lakemill.glueetl.objects import Stored

WINDOW_MS = 15 * 60 * 1000
ENABLED, PAUSED = "job-bookmark-enable", "job-bookmark-pause"
TIMEOUT_S = 30
State = dict[str, Any]


class BookmarkFailed(RuntimeError):
    """The bookmark could not be read or saved."""


@dataclasses.dataclass
class Bookmark:
    """option: of the job. since, until: states between which a pause reads; None: no end."""

    option: str
    version: int
    state: State
    since: State | None = None
    until: State | None = None
    read: State = dataclasses.field(default_factory=dict)
    """What was read now, by context."""

    def unread(self, context: str, source: str, found: Sequence[Stored]) -> list[Stored]:
        """Those of the objects that were not read yet; they count as read now."""
        before = (self.state if self.since is None else self.since).get(context, {}).get(source)
        chosen = [one for one in found if not _known(before, one)]
        if self.until is not None:
            end = self.until.get(context, {}).get(source)
            chosen = [one for one in chosen if _known(end, one)]
        if found:
            self.read.setdefault(context, {})[source] = _after(before, found)
        return chosen

    def commit(self) -> None:
        """Save what was read. Raises BookmarkFailed."""
        if self.option != ENABLED:
            return
        state = {name: dict(one) for name, one in self.state.items()}
        for context, sources in self.read.items():
            state.setdefault(context, {}).update(sources)
        self.version = _asked("PUT", "", {"version": self.version, "state": state})["version"]
        self.state, self.read = state, {}


_current: Bookmark | None = None


def begin(option: str, since: str | None = None, until: str | None = None) -> None:
    """Read the job's bookmark, if it has one. Raises BookmarkFailed."""
    global _current
    _current = None
    if option not in (ENABLED, PAUSED):
        return
    ends = {"from": since, "to": until}
    query = urllib.parse.urlencode({name: run for name, run in ends.items() if run})
    found = _asked("GET", f"?{query}" if query else "")
    _current = Bookmark(option, found["version"], found["state"], found.get("from"), found.get("to"))


def commit() -> None:
    """Raises BookmarkFailed."""
    if _current is not None:
        _current.commit()


def unread(context: str, source: str, found: Sequence[Stored]) -> Sequence[Stored]:
    """Those of a source's objects that the job has not read; all without a context or a bookmark."""
    return found if _current is None or not context else _current.unread(context, source, found)


def _known(state: State | None, one: Stored) -> bool:
    """Whether a state says that an object was read."""
    if state is None or one.modified > state["until"]:
        return False
    if one.modified < state["until"] - WINDOW_MS:
        return True
    return state["recent"].get(one.uri) == one.etag


def _after(before: State | None, found: Sequence[Stored]) -> State:
    """The state when all these objects were read."""
    until = max([before["until"] if before else 0, *(one.modified for one in found)])
    recent = {one.uri: one.etag for one in found if one.modified >= until - WINDOW_MS}
    return {"until": until, "recent": recent}


def _asked(method: str, query: str, body: Any = None) -> Any:
    url = os.environ.get("LAKEMILL_BOOKMARKS")
    if url is None:
        raise BookmarkFailed("Bookmarks are kept for runs of jobs only.")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}{query}", data, method=method)
    request.add_header("Authorization", os.environ["LAKEMILL_RUN_TOKEN"])
    authority = os.environ.get("AWS_CA_BUNDLE")
    context = ssl.create_default_context(cafile=authority) if authority else None
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=context) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise BookmarkFailed(json.load(error).get("message", str(error))) from None
    except OSError as error:
        raise BookmarkFailed(f"The bookmark cannot be reached: {error}") from error
