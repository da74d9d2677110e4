"""What the process of a warehouse and the platform say to each other.

The platform starts `python -m lakemill.warehouse.worker --memory-mib N` and opens one warehouse in it. Messages are
those of `formats.messages` (a document each) on the process's standard input and output. Either side calls methods of
the other; calls overlap, so each has a number of its caller's.

    platform -> process   {"call": n, "method": method of Process, "with": {argument: value}}
    process -> platform   {"returned": n, "value": value}   or {"failed": n, "error": {"code", "message"}}
    process -> platform   {"progress": n, "value": value}   while a call goes on; not answered
    process -> platform   {"ask": m, "method": method of Platform, "with": {argument: value}}
    platform -> process   {"answer": m, "value": value}     or {"refused": m, "error": {"code", "message"}}

`code` of a failure of SQL is its SQLSTATE; of a refusal it is that of the AWS service that refuses.
"""

from typing import Any, Protocol

import msgspec

Document = dict[str, Any]


class Warehouse(msgspec.Struct, kw_only=True):
    """What a process opens."""

    folder: str
    """Where its databases are; made if it is new."""
    scratch: str
    """For what is not to be kept; empty at the start."""
    database: str = "dev"
    """Made if it is new."""
    master: str = "awsuser"
    """The first superuser. Passwords that the platform gives are asked for, never kept here."""
    host: str = "127.0.0.1"
    port: int = 0
    """Where to listen; 0: anywhere. `open` returns the port."""
    certificate: str = ""
    """PEM file with key and chain; without one SSLRequest is answered `N`."""
    require_ssl: bool = False
    memory_mib: int = 2048
    threads: int = 2
    parameters: dict[str, str] = {}
    """Of the cluster's parameter group: defaults of a session's settings."""
    account: str = ""
    region: str = ""
    namespace: str = ""
    """The ARN of what the warehouse is, for messages and system views."""


class Authorization(msgspec.Struct, kw_only=True):
    """In whose name COPY, UNLOAD or an external schema reads and writes: a role, or keys."""

    role: str = ""
    """An ARN, or `default`."""
    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str = ""


class Parameter(msgspec.Struct):
    """A value for `:name`."""

    name: str
    value: str


class Batch(msgspec.Struct, kw_only=True):
    """Statements for the Data API: one alone commits itself, several are one transaction."""

    id: str
    """By this it is cancelled."""
    database: str
    user: str
    superuser: bool = False
    auto_create: bool = False
    """Whether the user is made if there is none of that name."""
    statements: list[str]
    parameters: list[Parameter] = []
    folder: str
    """Results are left here."""
    single: bool = True
    """False for BatchExecuteStatement, also of one statement."""
    label: str = ""
    session: str = ""
    """Statements with the same one share a session (temporary tables, settings); empty: a session of its own."""


class Column(msgspec.Struct, kw_only=True):
    """A column of a result."""

    name: str
    type: str
    """int2, int4, int8, float4, float8, numeric, bool, varchar, bpchar, date, timestamp, timestamptz, time, timetz,
    super, varbyte, ..."""
    length: int = 0
    """As ColumnMetadata tells it."""
    precision: int = 0
    scale: int = 0
    nullable: int = 1
    case_sensitive: bool = False
    signed: bool = False
    table: str = ""
    schema: str = ""


class Executed(msgspec.Struct, kw_only=True):
    """What became of one statement of a batch.

    Results are a file of lines; each line is a page: {"Records": [[{"longValue": 1}, {"isNull": true}], ...]} as
    GetStatementResult gives it, at most 1,000 rows and about 1 MB.
    """

    state: str
    """FINISHED, FAILED, ABORTED."""
    error: str = ""
    code: str = ""
    """SQLSTATE of a failure."""
    columns: list[Column] | None = None
    """None where there is no result, [] never: a SELECT without rows has columns."""
    rows: int = -1
    """Rows of the result, or that were written; -1 where that has no meaning."""
    result: str = ""
    result_bytes: int = 0
    duration_ns: int = 0
    query: int = 0
    """The query's number in the system views."""
    pid: int = 0
    """The session's."""


class Process(Protocol):
    """What the platform calls."""

    def open(self, warehouse: Document) -> Document:
        """{"port": n}: it listens. The first call."""
        ...

    def execute(self, batch: Document) -> list[Document]:
        """An `Executed` for each statement that was begun; progress is {"started": number of the statement, from 0}."""
        ...

    def cancel(self, id: str) -> bool:
        """Whether such a batch was under way."""
        ...

    def end_session(self, session: str) -> None: ...

    def configure(self, parameters: dict[str, str]) -> None:
        """Other defaults for sessions that come."""
        ...

    def snapshot(self, folder: str) -> int:
        """Put a consistent copy of all databases into an empty folder; durable on return. Its bytes."""
        ...

    def close(self) -> None:
        """End all sessions, and write everything into the files. The last call."""
        ...


class Platform(Protocol):
    """What the process asks. Every method may be refused."""

    def credentials(self, user: str, database: str) -> list[Document]:
        """What a client may show who connects as this user, beside passwords that CREATE USER gave: documents with

        name : str, the database's user whom the client becomes: `analyst` for one who connects as `IAM:analyst`
        verifier : str, hex of MD5(password + user), user as the client says it
        superuser : bool
        auto_create : bool, whether the user is made if there is none
        groups : list of str, which it joins for the session
        """
        ...

    def begin(self, authorization: Document | None) -> Document:
        """Begin to work in the lake in somebody's name: {"lake": id, "folder": where files may be left to be stored}.

        None: nobody's, which may ask nothing. Refused where a role is not the cluster's, or does not trust Redshift.
        """
        ...

    def lake(self, lake: str, question: str, arguments: Document) -> Any:
        """A question of `lakesql.interface.Lake`."""
        ...

    def end(self, lake: str, keep: bool) -> None:
        """The end of that: what was stored or made since stays, or is taken back. Durable on return."""
        ...
