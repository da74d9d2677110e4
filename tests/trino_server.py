"""A coordinator for tests: Trino's protocol for clients, answered by lakemill's own compiler and DuckDB.

It speaks the protocol as Trino's QueuedStatementResource and ExecutingStatementResource do: a statement begins with the
first GET, waits in a queue, then runs; each page has a token, of which only the last and the next one are known (else
410), and a slug of its own (else 404).

A query that names the column `held` goes on until it is ended, before its first row; with `flowing`, after its last.
"""

import base64
import datetime
import gzip
import hashlib
import json
import math
import secrets
import tempfile
import threading
import time
import urllib.parse
import zoneinfo
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb

from lakemill.lakesql.dialects import athena
from lakemill.lakesql.dialects.model import Translated
from lakemill.lakesql.errors import SqlFailed, of_duckdb
from lakemill.lakesql.interface import Statement
from lakemill.lakesql.query import Query
from lakemill.lakesql.scans.objects import Meter
from lakemill.lakesql.scans.table import Table
from lakemill.lakesql.scans.views import Views

PAGE_ROWS = 3
IO = "EXPLAIN (TYPE IO, FORMAT JSON)"
INTERNAL = {"GENERIC_INTERNAL_ERROR": "INTERNAL_ERROR", "EXCEEDED_LOCAL_MEMORY_LIMIT": "INSUFFICIENT_RESOURCES"}


class TrinoServer:
    """On a free port of this machine. lake: what its catalog shows, an `interface.Lake`.

    statements: what was posted (`Posted`), the last behind. busy: so many requests are answered with 503 first.
    """

    def __init__(self, lake, catalog="awsdatacatalog"):
        self.lake, self.catalog = lake, catalog
        self.statements, self.busy, self.hidden_reads = [], 0, []
        self._turn, self._connection = threading.Lock(), duckdb.connect(":memory:", config={"threads": 1})
        athena.prelude(self._connection)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"trino": self}))
        self._server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"trino://127.0.0.1:{self._server.server_port}/{catalog}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def post(self, text, headers):
        posted = Posted(self, text, dict(headers))
        self.statements.append(posted)
        return posted

    def find(self, id):
        return next((one for one in self.statements if one.id == id), None)

    def run(self, posted):
        """Compute the answer of a statement: its columns, and rows as JSON has them."""
        text, kind = posted.text, ""
        for before in (IO, "EXPLAIN ANALYZE", "EXPLAIN"):
            if text.startswith(before):
                text, kind = " " * len(before) + text[len(before) :], before
                break
        with self._turn, tempfile.TemporaryDirectory() as folder:
            given = Statement(text=text, dialect="athena", database=posted.headers["x-trino-schema"], folder=folder)
            meter = Meter()
            with _Query(given, self.lake, meter, self._connection) as query:
                query.translate(athena.parse(text.replace(f'"{self.catalog}"', "awsdatacatalog")).tree)
                if kind == IO:
                    return [_column("Query Plan", "varchar")], [[self._io(query)]], 0
                query.find()
                if kind:
                    with query.watching():
                        plan = query.connection.execute(f"EXPLAIN {query.translated.sql}").fetchall()
                    return [_column("Query Plan", "varchar")], [[text] for _, text in plan], meter.bytes
                columns = query.translated.columns
                with query.watching():
                    found = query.connection.execute(query.translated.sql).fetchall()
        rows = [[_json(value, kind) for value, (_, kind) in zip(row, columns, strict=True)] for row in found]
        return [_of_type(name, kind) for name, kind in columns], rows, meter.bytes

    def _io(self, query):
        names = [(use.database, use.name) for use in query.translated.tables] + self.hidden_reads
        tables = [{"catalog": self.catalog, "schemaTable": {"schema": db, "table": name}} for db, name in names]
        inputs = [{"table": one, "constraint": {"none": False, "columnConstraints": []}} for one in tables]
        return json.dumps({"inputTableColumnInfos": inputs, "estimate": {"outputRowCount": "NaN"}}, indent=2)


class _Query(Query):
    """In an instance that is kept for the next one."""

    def __init__(self, statement, lake, meter, connection):
        self.statement, self.lake, self.meter, self.folder = statement, lake, meter, Path(statement.folder)
        self.connection, self.translated, self._found = connection, Translated("", []), {}
        self._scans = {}
        self.views = Views(connection, lake, meter)

    def find(self):
        for use in self.translated.tables:
            found = self._found[use.database.lower(), use.name.lower(), use.version]
            if isinstance(found, Table):
                self.views.make(use, found)
            else:
                found.make(use, self.connection, self.meter)

    def __exit__(self, *_):
        for use in self.translated.tables:
            self.connection.execute(f'DROP VIEW IF EXISTS "{use.view}"')


class Posted:
    """A statement that was posted. runs, deleted: whether it has come to that; ended: how, once it has."""

    def __init__(self, server, text, headers):
        self.server, self.text = server, text
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.id = f"20260101_000000_{len(server.statements):05d}_test"
        self.key, self.ended = secrets.token_hex(4), ""
        self.runs, self.deleted = threading.Event(), threading.Event()
        self._goes_on = "" if text.startswith(IO) else text
        self._last = {"queued": 0, "executing": -1}
        self._columns, self._rows, self._bytes, self._error = None, [], 0, None
        self._began, self._polled = time.monotonic(), 0
        self._turn = threading.Lock()

    def slug(self, phase, token):
        return "y" + hashlib.sha256(f"{self.key} {phase} {token}".encode()).hexdigest()[:20]

    def uri(self, phase, token):
        return f"{self.server.base}/v1/statement/{phase}/{self.id}/{self.slug(phase, token)}/{token}"

    def first(self):
        return self._page("QUEUED", next_uri=self.uri("queued", 1))

    def get(self, phase, token):
        """The page of a token; None where there is none any more."""
        with self._turn:
            if token not in (self._last[phase], self._last[phase] + 1):
                return None
            self._last[phase] = token
            if phase == "queued":
                after = self.uri("queued", 2) if token == 1 else self.uri("executing", 0)
                return self._page("QUEUED", next_uri=after)
            return self._executing(token)

    def _executing(self, token):
        if self.deleted.is_set():
            self._error = _error("USER_CANCELED", "Query was canceled")
            return self._page("FAILED")
        if "held" in self._goes_on:
            self.runs.set()
            self.deleted.wait(0.05)
            self._bytes = 4_000_000 * token
            return self._page("RUNNING", next_uri=self.uri("executing", token + 1))
        if self._columns is None and self._error is None:
            self._compute()
        if self._error is not None:
            self.ended = "FAILED"
            return self._page("FAILED")
        rows = self._rows[token * PAGE_ROWS : (token + 1) * PAGE_ROWS]
        if token * PAGE_ROWS >= len(self._rows) and "flowing" not in self._goes_on:
            self.ended = "FINISHED"
            return self._page("FINISHED", columns=True)
        return self._page("RUNNING", columns=True, rows=rows, next_uri=self.uri("executing", token + 1))

    def _compute(self):
        try:
            self._columns, self._rows, self._bytes = self.server.run(self)
        except (SqlFailed, duckdb.Error) as wrong:
            failed = of_duckdb(wrong)
            message = failed.message.replace("'awsdatacatalog.", f"'{self.server.catalog}.")
            self._error = _error(failed.code, message, failed.line, failed.column)
        limit = dict(one.split("=") for one in self.headers.get("x-trino-session", "").split(",") if one)
        if self._bytes > int(limit.get("query_max_scan_physical_bytes", str(1 << 62) + "B")[:-1]):
            self._error = _error("EXCEEDED_SCAN_LIMIT", "Exceeded scan limit")

    def _page(self, state, next_uri=None, columns=False, rows=None):
        elapsed = int((time.monotonic() - self._began) * 1000)
        page = {
            "id": self.id,
            "infoUri": f"{self.server.base}/ui/query.html?{self.id}",
            "stats": {
                **{"state": state, "queued": state == "QUEUED", "scheduled": state != "QUEUED", "nodes": 1},
                **{"queuedTimeMillis": 7, "elapsedTimeMillis": elapsed + 40, "planningTimeMillis": 13},
                **{"processedRows": len(self._rows), "processedBytes": 2 * self._bytes, "cpuTimeMillis": 1},
                "physicalInputBytes": self._bytes,
            },
            "warnings": [],
        }
        if next_uri is not None:
            page["nextUri"] = next_uri
        if columns:
            page["columns"] = self._columns
        if rows:
            page["data"] = rows
        if self._error is not None:
            page["error"] = self._error
        return page


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize, disable_nagle_algorithm = -1, True
    trino: TrinoServer

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self._is_busy():
            return
        if self.path != "/v1/statement" or not self.headers["X-Trino-User"]:
            self._answer(401, b"Basic authentication or X-Trino-User must be sent")
            return
        self._json(self.trino.post(text, self.headers).first())

    def do_GET(self):
        if self._is_busy() or (found := self._found()) is None:
            return
        page = found[0].get(*found[1:])
        if page is None:
            self._answer(410, b"Invalid token")
        else:
            self._json(page)

    def do_DELETE(self):
        if (found := self._found()) is not None:
            found[0].deleted.set()
            self._answer(204, b"")

    def _found(self):
        parts = urllib.parse.urlsplit(self.path).path.split("/")
        posted = self.trino.find(parts[4]) if len(parts) == 7 else None
        if posted is None or posted.slug(parts[3], int(parts[6])) != parts[5]:
            self._answer(404, b"Query not found")
            return None
        return posted, parts[3], int(parts[6])

    def _is_busy(self):
        if self.trino.busy:
            self.trino.busy -= 1
            self._answer(503, b"busy")
            return True
        return False

    def _json(self, page):
        data = json.dumps(page).encode()
        packed = "gzip" in self.headers.get("Accept-Encoding", "")
        self._answer(200, gzip.compress(data, 1) if packed else data, "gzip" if packed else "")

    def _answer(self, status, data, encoding=""):
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status == 200 else "text/plain")
        self.send_header("Content-Length", str(len(data)))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, *_):
        pass


def _error(name, message, line=None, column=None):
    place = f"line {line}:{column}: " if line is not None else ""
    error = {"message": place + message, "errorCode": 1, "errorName": name, "failureInfo": {"type": "io.trino"}}
    error["errorType"] = INTERNAL.get(name, "EXTERNAL" if name.startswith("HIVE_") else "USER_ERROR")
    if line is not None:
        error["errorLocation"] = {"lineNumber": line, "columnNumber": column}
    return error


# Types and values, as Trino has them in JSON


def _column(name, raw, *arguments):
    return {"name": name, "type": raw, "typeSignature": {"rawType": raw, "arguments": list(arguments)}}


def _of_type(name, kind):
    return {"name": name, "type": kind.trino(), "typeSignature": _signature(kind)}


def _signature(kind):
    if kind.name == "row":
        named = [{"fieldName": {"name": n}} if n else {} for n, _ in kind.fields]
        inner = [one | {"typeSignature": _signature(t)} for one, (_, t) in zip(named, kind.fields, strict=True)]
        return {"rawType": "row", "arguments": [{"kind": "NAMED_TYPE", "value": one} for one in inner]}
    if kind.name in ("array", "map"):
        return {"rawType": kind.name, "arguments": [{"kind": "TYPE", "value": _signature(one)} for one in kind.args]}
    numbers = kind.args or ((2147483647,) if kind.name == "varchar" else ())
    return {"rawType": kind.name, "arguments": [{"kind": "LONG", "value": one} for one in numbers]}


def _json(value, kind):
    if value is None:
        return None
    if kind.name == "array":
        return [_json(one, kind.element) for one in value]
    if kind.name == "map":
        return {_key(_json(key, kind.args[0])): _json(one, kind.args[1]) for key, one in value.items()}
    if kind.name == "row":
        values = value.values() if isinstance(value, dict) else value
        return [_json(one, inner) for one, (_, inner) in zip(values, kind.fields, strict=True)]
    return _TEXTS.get(kind.name, lambda one, _: one)(value, kind)


def _key(value):
    return json.dumps(value) if isinstance(value, bool | int | float) else value


def _number(value, _):
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def _moment(value, kind):
    digits = kind.args[0] if kind.args else 3
    return f"{value:%Y-%m-%d %H:%M:%S}" + (f".{value.microsecond:06d}"[: digits + 1] if digits else "")


def _zoned(value, kind):
    zone = value["z"]
    if zone[0] in "+-":
        minutes = int(zone[1:3]) * 60 + int(zone[4:6])
        there = value["t"] + datetime.timedelta(minutes=minutes if zone[0] == "+" else -minutes)
    else:
        there = value["t"].replace(tzinfo=datetime.UTC).astimezone(zoneinfo.ZoneInfo(zone))
    return f"{_moment(there, kind)} {zone}"


def _days(value, _):
    milliseconds = abs(round(value.total_seconds() * 1000))
    seconds, milliseconds = divmod(milliseconds, 1000)
    days, seconds = divmod(seconds, 86400)
    sign = "-" if value.total_seconds() < 0 else ""
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{sign}{days} {clock}.{milliseconds:03d}"


_TEXTS = {
    "double": _number,
    "real": _number,
    "decimal": lambda value, kind: f"{value:.{kind.args[1]}f}",
    "date": lambda value, kind: value.isoformat(),
    "time": lambda value, kind: f"{value:%H:%M:%S}.{value.microsecond // 1000:03d}",
    "timestamp": _moment,
    "timestamp with time zone": _zoned,
    "varbinary": lambda value, kind: base64.b64encode(value).decode(),
    "interval day to second": _days,
    "interval year to month": lambda value, kind: f"{value.days // 360}-{value.days % 360 // 30}",
}
