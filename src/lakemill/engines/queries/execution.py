"""An execution: a statement that somebody handed in, and what became of it."""

import datetime
import re
from typing import Any, Literal

import msgspec

State = Literal["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
Document = dict[str, Any]


class Request(msgspec.Struct, kw_only=True, frozen=True):
    """A statement that is handed in."""

    scope: str
    """"account/region"."""
    group: str
    """Executions are listed by it."""
    text: str
    """As it was given."""
    dialect: str = "athena"
    database: str = "default"
    parameters: list[str] = []
    """SQL texts for question marks."""
    prefix: str = ""
    """`s3://bucket/prefix/`: where results go; empty where lakemill itself keeps them."""
    token: str = ""
    """Requests of one token are one request."""
    scan_bytes_max: int | None = None
    """It is cancelled once it has read more."""
    reuse_s: int | None = None
    """Whether an answer that is not older may be given again."""
    body: str = ""
    """What is carried out, if not the text."""
    body_parameters: list[str] = []
    options: dict[str, str] = {}
    """What else its process is to know."""
    details: Document = {}
    """What the caller wants to find again in the execution."""


class Fault(msgspec.Struct, kw_only=True):
    """Why a statement failed."""

    message: str
    category: int = 2
    """1 system, 2 user, 3 other."""
    type: int = 1006
    retryable: bool = False


class Execution(msgspec.Struct, kw_only=True):
    """Times are in milliseconds where their names say so."""

    id: str
    request: Request
    state: State = "QUEUED"
    reason: str = ""
    fault: Fault | None = None
    submitted: datetime.datetime
    completed: datetime.datetime | None = None
    kind: str = ""
    """DML, DDL or UTILITY, once it is known."""
    substatement: str = ""
    location: str = ""
    """URI of the result."""
    form: str = ""
    """Of the result: `csv`, `txt`, or "" for none."""
    manifest: str = ""
    """URI of the list of objects that were written."""
    columns: list[Document] = []
    rows: int = 0
    updated: int | None = None
    scanned_bytes: int = 0
    result_bytes: int = 0
    queue_ms: int = 0
    planning_ms: int = 0
    engine_ms: int = 0
    total_ms: int = 0
    reused: bool = False
    checked: list[list[str]] = []
    """What its caller had to be allowed: action and resource."""

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def service_ms(self) -> int:
        """What was neither waiting nor the engine's."""
        return max(0, self.total_ms - self.queue_ms - self.engine_ms)


_COMMENTS = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
_BEGINS = re.compile(_COMMENTS + r"(\(|[a-z]+)", re.IGNORECASE | re.DOTALL)
_MAKES_TABLE = re.compile(r"create\s+table\b.*?\bas\b", re.IGNORECASE | re.DOTALL)


def expected_location(execution: Execution) -> str:
    """Where the result will probably be, by how the statement begins; empty where it is in no bucket."""
    request = execution.request
    if not request.prefix:
        return ""
    text = (request.body or request.text)[:4096]
    begins = _BEGINS.match(text)
    word = begins[1].lower() if begins else ""
    if word in ("(", "select", "with", "values", "table", "execute"):
        return f"{request.prefix}{execution.id}.csv"
    if word in ("insert", "unload"):
        return f"{request.prefix}{execution.id}"
    if begins and _MAKES_TABLE.match(text, begins.start(1)):
        return f"{request.prefix}tables/{execution.id}"
    return f"{request.prefix}{execution.id}.txt"


def possible_results(execution: Execution) -> list[str]:
    """URIs of all objects that may be results of an execution: they need no journal to be taken back by."""
    prefix, id = execution.request.prefix, execution.id
    if not prefix:
        return []
    answers = [f"{prefix}{id}.{form}{rest}" for form in ("csv", "txt") for rest in (".metadata", "")]
    written = [f"{prefix}{place}{id}{rest}" for place in ("tables/", "") for rest in (".metadata", "-manifest.csv")]
    return [*answers, *written]


def document_of(execution: Execution) -> Document:
    """As the metadata store keeps it."""
    built: Document = msgspec.to_builtins(execution, builtin_types=(datetime.datetime,))
    return built


def execution_of(document: Document) -> Execution:
    return msgspec.convert(document, Execution)
