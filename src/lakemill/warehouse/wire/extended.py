"""The extended protocol: Parse, Bind, Describe, Execute, Close."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import Parameters, Parsed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type
from lakemill.warehouse import commands
from lakemill.warehouse.commands.cursors import Cursor
from lakemill.warehouse.results import Result
from lakemill.warehouse.wire import messages, parameters, replies
from lakemill.warehouse.wire.messages import Body

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session
    from lakemill.warehouse.wire.connection import Connection

STATEMENTS_MAX = 10_000


@dataclass
class Statement:
    """A prepared statement; parsed is None for an empty text."""

    parsed: Parsed | None
    given: dict[int, Type]
    described: "tuple[list[Type], replies.Columns | None] | None" = None


@dataclass
class Portal:
    """A statement with its parameters."""

    statement: Statement
    parameters: Parameters
    formats: list[bool]
    result: Result | None = None
    cursor: Cursor | None = None
    sent: int = 0
    done: str = ""
    """The tag, once all has been told."""

    def formats_of(self, columns: replies.Columns) -> list[bool]:
        """Whether each column comes in binary. Raises SqlFailed 08P01."""
        if len(self.formats) <= 1:
            return list(self.formats or [False]) * len(columns)
        if len(self.formats) != len(columns):
            raise messages.malformed(
                f"bind message has {len(self.formats)} result formats but query has {len(columns)} columns"
            )
        return self.formats


class Extended:
    """Statements and portals of a connection. Each method takes a message, and answers it on the connection."""

    def __init__(self, connection: "Connection", session: "Session") -> None:
        self._connection, self._session = connection, session
        self._statements: dict[str, Statement] = {}
        self._portals: dict[str, Portal] = {}

    def parse(self, body: Body) -> None:
        """Name, text, types of parameters."""
        name, text = body.text(), body.text()
        given = {}
        for number in range(1, body.count() + 1):
            oid = body.int32()
            kind = parameters.of_oid(oid)
            if kind is not None:
                given[number] = kind
        body.end()
        if name and name in self._statements:
            raise SqlFailed("42P05", f'prepared statement "{name}" already exists')
        if len(self._statements) >= STATEMENTS_MAX:
            raise SqlFailed("54000", "too many prepared statements")
        parts = redshift.split(text)
        if len(parts) > 1:
            raise SqlFailed("42601", "cannot insert multiple commands into a prepared statement")
        statement = Statement(self._session.parse(parts[0]) if parts else None, given)
        if statement.parsed is not None:
            self._session.check(statement.parsed)
            if statement.parsed.kind != "command":
                self._described(statement)  # What is wrong with it, is said before there is a statement.
        self._statements[name] = statement
        self._connection.send(messages.message(b"1"))

    def bind(self, body: Body) -> None:
        """Portal, statement, formats of parameters, parameters, formats of results."""
        name, statement = body.text(), self._statement(body.text())
        formats = [_format(body.int16()) for _ in range(body.count())]
        values = [_value(body) for _ in range(body.count())]
        results = [_format(body.int16()) for _ in range(body.count())]
        body.end()
        if len(formats) > 1 and len(formats) != len(values):
            raise messages.malformed(f"bind message has {len(formats)} parameter formats but {len(values)} parameters")
        binary = formats if len(formats) > 1 else (formats or [False]) * len(values)
        types = dict(statement.given)
        if any(binary) and len(types) < len(values):
            types |= dict(enumerate(self._described(statement)[0], 1))
        read = [
            parameters.of_wire(value, form, types.get(number), number)
            for number, (value, form) in enumerate(zip(values, binary, strict=True), 1)
        ]
        if statement.described is not None and len(read) != len(statement.described[0]):
            raise messages.malformed(
                f"bind message supplies {len(read)} parameters, but prepared statement requires "
                f"{len(statement.described[0])}"
            )
        if name and name in self._portals:
            raise SqlFailed("42P03", f'cursor "{name}" already exists')
        self._drop(name)
        self._portals[name] = Portal(statement, Parameters(statement.given, read), results)
        self._connection.send(messages.message(b"2"))

    def describe(self, body: Body) -> None:
        """A statement (`S`) or portal (`P`)."""
        kind, name = body.bytes(1), body.text()
        body.end()
        if kind == b"S":
            found, columns = self._described(self._statement(name))
            self._connection.send(replies.parameter_description(found))
            self._columns(columns, [False] * len(columns or ()))
        elif kind == b"P" and name in self._session.cursors and name not in self._portals:
            declared = self._session.cursors[name].columns
            self._columns(declared, [False] * len(declared))
        elif kind == b"P":
            portal = self._portal(name)
            columns = self._columns_of(portal)
            self._columns(columns, portal.formats_of(columns) if columns is not None else [])
        else:
            raise messages.malformed(f"invalid DESCRIBE message subtype {kind!r}")

    def execute(self, body: Body) -> None:
        """A portal, and how many rows at most; 0: all."""
        portal, most = self._portal(body.text()), body.int32()
        body.end()
        parsed = portal.statement.parsed
        if parsed is None:
            self._connection.send(messages.message(b"I"))
            return
        if portal.done:
            self._connection.send(messages.message(b"C", messages.text(portal.done)))
            return
        if portal.result is None:
            portal.result = self._session.run(parsed, portal.parameters)
            self._connection.notices(portal.result)
            if portal.result.columns is not None:
                portal.cursor = _Rows(portal.result)
        if portal.cursor is not None and not self._send_rows(portal, most if most > 0 else None):
            self._connection.send(messages.message(b"s"))
            return
        portal.done = self._connection.complete(portal.result, portal.sent)

    def close(self, body: Body) -> None:
        """A statement or portal; one that there is not, is closed already."""
        kind, name = body.bytes(1), body.text()
        body.end()
        if kind == b"S":
            self._statements.pop(name, None)
        elif kind == b"P":
            self._drop(name)
        else:
            raise messages.malformed(f"invalid CLOSE message subtype {kind!r}")
        self._connection.send(messages.message(b"3"))

    def replaced(self) -> None:
        """A simple query takes the place of the statement and the portal without a name."""
        self._statements.pop("", None)
        self._drop("")

    def forget(self) -> None:
        """Portals end with their transaction."""
        self._portals.clear()

    def _drop(self, name: str) -> None:
        portal = self._portals.pop(name, None)
        if portal is not None:
            self._session.drop(portal.result)

    def _send_rows(self, portal: Portal, most: int | None) -> bool:
        """Send rows; whether that were all."""
        assert portal.cursor is not None
        columns = portal.cursor.columns
        formats, style = portal.formats_of(columns), replies.style_of(self._session)
        left = most
        while left is None or left > 0:
            batches = portal.cursor.take(min(left, replies.BLOCK_ROWS) if left is not None else replies.BLOCK_ROWS)
            if not batches:
                return True
            for batch in batches:
                self._connection.send(replies.rows_of(batch, columns, formats, style))
                portal.sent += batch.num_rows
                left = None if left is None else left - batch.num_rows
        return False

    def _described(self, statement: Statement) -> "tuple[list[Type], replies.Columns | None]":
        if statement.described is None:
            if statement.parsed is None:
                statement.described = ([], None)
            elif statement.parsed.kind == "command":
                return [], commands.described(self._session, statement.parsed)
            else:
                compiled = self._session.describe(statement.parsed, Parameters(statement.given))
                statement.described = (compiled.parameters, compiled.columns) if compiled else ([], None)
        return statement.described

    def _columns_of(self, portal: Portal) -> "replies.Columns | None":
        parsed = portal.statement.parsed
        if portal.result is not None:
            return portal.result.columns
        if parsed is None:
            return None
        if parsed.kind == "command":
            return commands.described(self._session, parsed)
        compiled = self._session.describe(parsed, portal.parameters)
        return compiled.columns if compiled else None

    def _columns(self, columns: "replies.Columns | None", formats: list[bool]) -> None:
        if columns is None:
            self._connection.send(messages.message(b"n"))
        else:
            self._connection.send(replies.row_description(columns, formats))

    def _statement(self, name: str) -> Statement:
        found = self._statements.get(name)
        if found is None:
            raise SqlFailed("26000", f'prepared statement "{name}" does not exist')
        return found

    def _portal(self, name: str) -> Portal:
        found = self._portals.get(name)
        if found is None:
            raise SqlFailed("34000", f'portal "{name}" does not exist')
        return found


class _Rows(Cursor):
    """The rows of a result, wherever they come from by then."""

    def __init__(self, result: Result) -> None:
        assert result.columns is not None
        super().__init__(result.columns, result.rows_left())


def _format(code: int) -> bool:
    if code not in (0, 1):
        raise SqlFailed("22023", f"unsupported format code: {code}")
    return code == 1


def _value(body: Body) -> bytes | None:
    size = body.int32()
    return None if size == -1 else body.bytes(size)
