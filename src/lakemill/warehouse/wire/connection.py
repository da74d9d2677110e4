"""A client's connection, from its first byte to its last; a thread has it for itself."""

import contextlib
import io
import socket
import ssl
import traceback
from typing import TYPE_CHECKING

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.history import now
from lakemill.warehouse.results import Result
from lakemill.warehouse.session import failure_of
from lakemill.warehouse.wire import messages, replies, startup
from lakemill.warehouse.wire.extended import Extended
from lakemill.warehouse.wire.messages import Body, Gone

if TYPE_CHECKING:
    from lakemill.warehouse.instance import Instance
    from lakemill.warehouse.session import Session

STARTUP_S = 60.0
BUFFER_BYTES = 1 << 16


class Connection:
    """Made for a socket that was accepted; `serve` returns when it has ended."""

    def __init__(self, warehouse: "Instance", accepted: socket.socket, context: ssl.SSLContext | None) -> None:
        self._warehouse, self._socket, self._context = warehouse, accepted, context
        self._out = bytearray()
        self._told: dict[str, str] = {}
        self._session: Session | None = None

    def serve(self) -> None:
        """Answer everything that comes."""
        try:
            self._socket.settimeout(STARTUP_S)
            session = self._begin()
            if session is not None:
                self._socket.settimeout(None)
                self._serve(session)
        except (Gone, OSError, ssl.SSLError):
            pass
        except Exception as wrong:  # Whatever is wrong with one client is not to hurt the others.
            traceback.print_exception(wrong)
        finally:
            with contextlib.suppress(OSError):
                self._socket.close()
            if self._session is not None:
                self._session.end()

    def close(self) -> None:
        """End it from another thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    # What is sent

    def send(self, data: bytes) -> None:
        """Gather what is to be sent. Raises OSError."""
        self._out += data
        if len(self._out) >= BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send it. Raises OSError."""
        if self._out:
            out, self._out = self._out, bytearray()
            self._socket.sendall(out)

    def notices(self, result: Result) -> None:
        """What a statement has to say beside its outcome."""
        for said in result.notices:
            self.send(messages.notice(said))
        result.notices = []

    def complete(self, result: Result, sent: int) -> str:
        """CommandComplete; its tag."""
        tag = f"FETCH {sent}" if result.tag == "FETCH" else result.tag
        self.send(messages.message(b"C", messages.text(tag)))
        self._tell_settings()
        return tag

    # What is received

    def _begin(self) -> "Session | None":
        try:
            hello = startup.greet(self._socket, self._context)
            self._socket = hello.connection
            if hello.cancel is not None:
                self._cancel(*hello.cancel)
                return None
            session = self._session = startup.authenticate(self._warehouse, hello)
        except SqlFailed as failure:
            self.send(messages.failure(failure, "FATAL"))
            self.flush()
            return None
        self.send(messages.message(b"R", bytes(4)))
        self._tell_settings()
        self.send(messages.message(b"K", session.pid.to_bytes(4, "big") + session.secret.to_bytes(4, "big")))
        self.send(replies.ready(session))
        self.flush()
        self._log(session, "initiating session", hello)
        return session

    def _cancel(self, pid: int, secret: int) -> None:
        session = self._warehouse.sessions.get(pid)
        if session is not None and session.secret == secret & 0xFFFFFFFF:
            session.cancel()

    def _serve(self, session: "Session") -> None:
        source = self._socket.makefile("rb", BUFFER_BYTES)
        assert isinstance(source, io.BufferedReader)
        extended = Extended(self, session)
        handlers = {
            b"P": extended.parse,
            b"B": extended.bind,
            b"D": extended.describe,
            b"E": extended.execute,
            b"C": extended.close,
        }
        skipping = False
        while True:
            try:
                kind, data = messages.receive(source)
            except SqlFailed as failure:  # What follows cannot be understood either.
                self.send(messages.failure(failure, "FATAL"))
                self.flush()
                return
            if kind == b"X":
                return
            if kind == b"S":
                skipping = False
                self._sync(session, extended)
            elif skipping or kind in (b"d", b"c", b"f"):
                continue
            elif kind == b"Q":
                extended.replaced()
                self._query(session, Body(data))
                if session.transaction.state == "idle":
                    extended.forget()
            elif kind == b"H":
                self.flush()
            elif kind in handlers:
                skipping = not self._carried_out(session, lambda: handlers[kind](Body(data)))  # noqa: B023
                if skipping:
                    extended.forget()
            elif kind == b"F":
                self._fail(session, SqlFailed("0A000", "function calls are not supported"))
                self._sync(session, extended)
            else:
                self.send(messages.failure(messages.malformed(f"invalid frontend message type {kind[0]}"), "FATAL"))
                self.flush()
                return

    def _carried_out(self, session: "Session", handler: "object") -> bool:
        try:
            handler()  # type: ignore[operator]
            return True
        except (Gone, OSError):
            raise
        except Exception as wrong:
            self._fail(session, wrong)
            return False

    def _query(self, session: "Session", body: Body) -> None:
        """A simple query: statements apart by semicolons, one transaction unless they say otherwise."""
        self._carried_out(session, lambda: self._statements(session, body))
        self.send(replies.ready(session))
        self.flush()

    def _statements(self, session: "Session", body: Body) -> None:
        text = body.text()
        body.end()
        statements = redshift.split(text)
        if not statements:
            self.send(messages.message(b"I"))
        for number, statement in enumerate(statements, 1):
            result = session.execute(statement)
            sent = 0
            if result.columns is not None:
                formats, style = [False] * len(result.columns), replies.style_of(session)
                self.send(replies.row_description(result.columns, formats))
                for batch in result.rows_left():
                    self.send(replies.rows_of(batch, result.columns, formats, style))
                    sent += batch.num_rows
            if number == len(statements):
                session.sync()  # What is said to be complete is on the disk.
            self.notices(result)
            self.complete(result, sent)

    def _sync(self, session: "Session", extended: Extended) -> None:
        try:
            session.sync()
        except Exception as wrong:
            self._fail(session, wrong)
        if session.transaction.state == "idle":
            extended.forget()
        self._tell_settings()
        self.send(replies.ready(session))
        self.flush()

    def _fail(self, session: "Session", wrong: BaseException) -> None:
        failure = failure_of(wrong)
        if failure.code.startswith("XX"):
            traceback.print_exception(wrong)
        session.fail()
        for said in session.notices:
            self.send(messages.notice(said))
        session.notices = []
        fatal = failure.code in ("57P01", "08006")
        self.send(messages.failure(failure, "FATAL" if fatal else "ERROR"))
        if fatal:
            self.flush()
            raise Gone

    def _tell_settings(self) -> None:
        session = self._session
        assert session is not None
        current = session.settings.reported() | {"session_authorization": session.user}
        for name, value in current.items():
            if self._told.get(name) != value:
                self.send(replies.parameter_status(name, value))
        self._told = current

    def _log(self, session: "Session", event: str, hello: startup.Hello) -> None:
        peer = self._socket.getpeername() if self._socket.family != socket.AF_UNIX else ("", 0)
        self._warehouse.history.add(
            "connections",
            (
                *(event, now(), peer[0], str(peer[1]), session.pid, session.database, session.session_user),
                *("password", 0, hello.tls, session.settings["application_name"]),
            ),
        )
