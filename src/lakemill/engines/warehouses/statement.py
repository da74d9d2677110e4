"""A statement, or several in order, handed in to be carried out meanwhile; and what became of it."""

import datetime
import hashlib
from typing import Any, Literal

import msgspec

State = Literal["SUBMITTED", "PICKED", "STARTED", "FINISHED", "FAILED", "ABORTED"]
ENDED = ("FINISHED", "FAILED", "ABORTED")
Document = dict[str, Any]


class Part(msgspec.Struct, kw_only=True):
    """One of the statements. Numbers are -1 where they have no meaning."""

    state: State = "SUBMITTED"
    error: str = ""
    columns: list[Document] | None = None
    """None where it has no result."""
    rows: int = -1
    result: str = ""
    """The name of its file: a page a line."""
    result_bytes: int = -1
    duration_ns: int = -1
    query: int = 0
    updated: datetime.datetime

    @property
    def ended(self) -> bool:
        return self.state in ENDED


class Statement(msgspec.Struct, kw_only=True):
    """What was handed in, and how it stands."""

    id: str
    scope: str
    warehouse: str
    """Its id."""
    owner: str
    """Who handed it in: a user, or a role in whatever session."""
    owner_session: str = ""
    """That session."""
    database: str
    user: str
    auto_create: bool = False
    statements: list[str]
    parameters: list[Document] = []
    single: bool = True
    separate: bool = False
    """Several that are no transaction: each commits itself, and none keeps the next from being run."""
    label: str = ""
    session: str = ""
    """Of a session that stays open; empty: one of its own."""
    details: Document = {}
    """What the service wants to find again."""
    state: State = "SUBMITTED"
    error: str = ""
    pid: int = 0
    created: datetime.datetime
    updated: datetime.datetime
    parts: list[Part] = []

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def has_result(self) -> bool:
        return any(part.columns is not None for part in self.parts)

    def digest(self) -> str:
        """The same for requests that are the same."""
        asked = (self.warehouse, self.database, self.user, self.statements, self.parameters, self.details, self.label)
        return hashlib.sha256(msgspec.msgpack.encode([*asked, self.single, self.separate])).hexdigest()


def document_of(statement: Statement) -> Document:
    """As the metadata store keeps it."""
    built: Document = msgspec.to_builtins(statement, builtin_types=(datetime.datetime,))
    return built


def statement_of(document: Document) -> Statement:
    return msgspec.convert(document, Statement)
