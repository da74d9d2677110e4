"""Trino's protocol for clients: a statement is posted, and its pages are fetched one after the other.

    POST /v1/statement      the text; headers say who asks, and which catalog and schema names are looked up in
    GET nextUri             the next page: columns once they are known, rows, statistics, an error; it waits a second
    DELETE nextUri          ends the statement

It has ended with the page that has no nextUri. 429, 502, 503 and 504 mean: again, a moment later. A page may be fetched
again, a statement must not be posted again once it may have arrived.
Source: "Client REST API" of Trino's documentation.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import urllib3

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Cluster
from lakemill.lakesql.trino.failures import ClusterFailed

_AGAIN = (429, 502, 503, 504)
_TRIES_MAX = 8
_TIMEOUT = urllib3.Timeout(connect=10, read=120)
_STOP_TIMEOUT = urllib3.Timeout(connect=5, read=10)
_OBJECT = re.compile(r"^(?:<[^>]*>|HTTPS?Connection(?:Pool)?\([^)]*\)): ")
"""What urllib3 says first: where it stands in Python."""


class Signature(msgspec.Struct, rename="camel"):
    """A type. raw_type: `decimal`, `row` ..."""

    raw_type: str
    arguments: list["Argument"] = []


class Argument(msgspec.Struct):
    """Of a type. kind: LONG (a number), TYPE (a Signature), NAMED_TYPE (a field), VARIABLE."""

    kind: str
    value: msgspec.Raw


class Column(msgspec.Struct, rename="camel"):
    name: str
    type: str
    type_signature: Signature


class Stats(msgspec.Struct, rename="camel"):
    state: str = ""
    queued_time_millis: int = 0
    elapsed_time_millis: int = 0
    planning_time_millis: int = 0
    physical_input_bytes: int | None = None
    processed_bytes: int = 0

    @property
    def scanned_bytes(self) -> int:
        return self.processed_bytes if self.physical_input_bytes is None else self.physical_input_bytes


class Location(msgspec.Struct, rename="camel"):
    line_number: int
    column_number: int


class Error(msgspec.Struct, rename="camel"):
    message: str = ""
    error_name: str = "GENERIC_INTERNAL_ERROR"
    error_type: str = "INTERNAL_ERROR"
    error_location: Location | None = None


class Page(msgspec.Struct, rename="camel"):
    """data: JSON of a list of rows, each a list of values; nothing, or null, where there are none."""

    id: str = ""
    next_uri: str | None = None
    columns: list[Column] | None = None
    data: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    stats: Stats = msgspec.field(default_factory=Stats)
    error: Error | None = None

    @property
    def rows(self) -> bytes:
        """The data, if there is any."""
        found = bytes(self.data)
        return b"" if found == b"null" else found


_DECODER = msgspec.json.Decoder(Page)


class Client:
    """Statements of one execution. database: of names without one. properties: of the session."""

    def __init__(self, cluster: Cluster, database: str, properties: dict[str, str] | None = None) -> None:
        self._cluster = cluster
        trusted: dict[str, Any] = {"ca_certs": cluster.ca} if cluster.ca else {}
        self._http = urllib3.PoolManager(maxsize=1, **trusted)
        self._headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "Accept-Encoding": "gzip",
            "User-Agent": "lakemill",
            "X-Trino-User": _header(cluster.user),
            "X-Trino-Source": "lakemill",
            "X-Trino-Client-Info": cluster.id,
            "X-Trino-Trace-Token": cluster.id,
            "X-Trino-Catalog": cluster.catalog,
            "X-Trino-Schema": _header(database),
            "X-Trino-Time-Zone": "UTC",
            "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
        }
        if properties:
            self._headers["X-Trino-Session"] = ",".join(f"{name}={value}" for name, value in properties.items())
        if cluster.authorization:
            self._headers["Authorization"] = cluster.authorization

    def pages(self, text: str, began: Callable[[str], None] = lambda uri: None) -> Iterator[Page]:
        """Run a statement. began: is told what a DELETE would end it by, before it can have done anything.

        When this is closed before its end, the statement is ended. Raises ClusterFailed where no page is had; a page
        with an error is a page.
        """
        url = f"{self._cluster.base}/v1/statement"
        page = self._page("POST", url, text.encode(), urllib3.Retry(_TRIES_MAX, read=0, **_retry()))
        if page.next_uri:
            began(page.next_uri)
        dispatched, following = False, page.next_uri
        try:
            while True:
                if following and not dispatched and page.stats.state not in ("", "QUEUED"):
                    began(following)  # By this one a statement is ended that has left the queue.
                    dispatched = True
                yield page
                if following is None:
                    return
                page = self._page("GET", following, None, urllib3.Retry(_TRIES_MAX, **_retry()))
                following = page.next_uri
        except GeneratorExit:
            if following is not None:
                self.stop(following)
            raise

    def stop(self, uri: str) -> None:
        """End a statement; nothing happens if it has ended, or nobody answers."""
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            self._http.request("DELETE", uri, headers=self._shown(uri), timeout=_STOP_TIMEOUT, retries=False)

    def close(self) -> None:
        self._http.clear()

    def _shown(self, uri: str) -> dict[str, str]:
        """What goes with every request; who lakemill is, with those to the coordinator of the URL alone."""
        names = ["User-Agent", "X-Trino-User", "Accept-Encoding"]
        names += ["Authorization"] * uri.startswith(f"{self._cluster.base}/")
        return {name: value for name, value in self._headers.items() if name in names}

    def _page(self, method: str, url: str, body: bytes | None, retries: urllib3.Retry) -> Page:
        headers = self._headers if method == "POST" else self._shown(url)
        try:
            answer: Any = self._http.request(
                method, url, body=body, headers=headers, timeout=_TIMEOUT, retries=retries, redirect=False
            )
        except (urllib3.exceptions.HTTPError, UnicodeError, ValueError) as wrong:
            raise self._unreachable(_OBJECT.sub("", str(getattr(wrong, "reason", None) or wrong))) from None
        if answer.status != 200:
            raise self._unreachable(f"{answer.status} {answer.data[:200].decode(errors='replace').strip()}")
        try:
            return _DECODER.decode(answer.data)
        except msgspec.DecodeError as wrong:
            raise self._unreachable(f"an answer that is no page: {wrong}") from None

    def _unreachable(self, reason: str) -> SqlFailed:
        message = f"Trino at {self._cluster.base} does not answer as it should: {reason}"
        return ClusterFailed("GENERIC_INTERNAL_ERROR", message, kind="INTERNAL_ERROR", retryable=True)


def _retry() -> dict[str, Any]:
    return {
        "status_forcelist": _AGAIN,
        "allowed_methods": None,
        "connect": 2,
        "backoff_factor": 0.1,
        "raise_on_status": False,
    }


def _header(value: str) -> str:
    """Raises SqlFailed for what no header can hold."""
    if not value.isascii() or not value.isprintable():
        raise SqlFailed("NOT_SUPPORTED", f"A name that is not ASCII cannot be told to a cluster: {value!r}")
    return value
