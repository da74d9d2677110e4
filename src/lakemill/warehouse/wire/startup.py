"""How a connection begins: TLS, startup parameters, and who it is."""

import hashlib
import hmac
import secrets
import socket
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import LakeRefused
from lakemill.warehouse.objects import User
from lakemill.warehouse.platform import Login
from lakemill.warehouse.settings import FIXED, SETTINGS
from lakemill.warehouse.wire import messages
from lakemill.warehouse.wire.messages import Body, Gone

if TYPE_CHECKING:
    from lakemill.warehouse.instance import Instance
    from lakemill.warehouse.session import Session

CONNECTIONS_MAX = 500
_MD5 = 5


@dataclass
class Hello:
    """What a client has said of itself."""

    connection: socket.socket
    tls: str = ""
    """The version of TLS; empty without it."""
    parameters: dict[str, str] = field(default_factory=dict)
    cancel: tuple[int, int] | None = None
    """Process and key of a session whose statement is to be stopped; then it is nothing else."""


def greet(connection: socket.socket, context: ssl.SSLContext | None) -> Hello:
    """Answer requests for TLS, and take what follows. Raises Gone, OSError, and SqlFailed 08P01."""
    hello = Hello(connection)
    for _ in range(4):
        size = int.from_bytes(_exactly(hello.connection, 4), "big")
        if not 8 <= size <= messages.STARTUP_BYTES_MAX:
            raise messages.malformed("invalid length of startup packet")
        body = Body(_exactly(hello.connection, size - 4))
        code = body.int32()
        if code == messages.SSL_REQUEST and context is not None and not hello.tls:
            hello.connection.sendall(b"S")
            hello.connection = context.wrap_socket(hello.connection, server_side=True)
            hello.tls = hello.connection.version() or ""  # type: ignore[attr-defined]
        elif code in (messages.SSL_REQUEST, messages.GSS_REQUEST):
            hello.connection.sendall(b"N")
        elif code == messages.CANCEL_REQUEST:
            hello.cancel = (body.int32(), body.int32())
            return hello
        elif code >> 16 != 3:
            raise SqlFailed("0A000", f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}")
        else:
            hello.parameters = _parameters(body)
            return hello
    raise messages.malformed("too many requests before startup")


def _parameters(body: Body) -> dict[str, str]:
    found = {}
    while name := body.text():
        found[name] = body.text()
    if not found.get("user"):
        raise SqlFailed("28000", "no PostgreSQL user name specified in startup packet")
    return found


def _exactly(connection: socket.socket, size: int) -> bytes:
    """Not a byte more is read: what follows may be TLS."""
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise Gone
        data += more
    return data


def authenticate(warehouse: "Instance", hello: Hello) -> "Session":
    """Let a client show who it is, and begin its session. Raises Gone, OSError, and SqlFailed 28000, 3D000, 53300."""
    given = hello.parameters["user"]
    database = hello.parameters.get("database") or given
    remote = hello.connection.getpeername()[0]
    if warehouse.options.require_ssl and not hello.tls:
        raise SqlFailed(
            "28000", f'no pg_hba.conf entry for host "{remote}", user "{given}", database "{database}", SSL off'
        )
    shown, salt = _challenge(hello.connection)
    login = _login(warehouse, given, database, shown, salt)
    user: User | None = warehouse.known("user", login.name) if login is not None else None
    if login is None or (user is None and not login.auto_create):
        raise SqlFailed("28000", f'password authentication failed for user "{given}"')
    known = warehouse.known("database", database)
    if known is None:
        raise SqlFailed("3D000", f'database "{database}" does not exist')
    if user is None:
        warehouse.make_user(login.name, login.superuser)
    _limit(warehouse, login.name, user, database, known.limit)
    settings = _settings(hello.parameters)
    return warehouse.session(login.name, database, groups=login.groups, settings=settings, remote=remote)


def _challenge(connection: socket.socket) -> tuple[str, bytes]:
    salt = secrets.token_bytes(4)
    connection.sendall(messages.message(b"R", _MD5.to_bytes(4, "big") + salt))
    head = _exactly(connection, 5)
    size = int.from_bytes(head[1:], "big")
    if head[:1] != b"p" or not 5 <= size <= messages.STARTUP_BYTES_MAX:
        raise messages.malformed("expected password response")
    return Body(_exactly(connection, size - 4)).text(), salt


def _login(warehouse: "Instance", given: str, database: str, shown: str, salt: bytes) -> Login | None:
    user: User | None = warehouse.known("user", given)
    own = [Login(given, user.verifier)] if user is not None and user.verifier and not _expired(user) else []
    try:
        logins = own + warehouse.platform.credentials(given, database)
    except LakeRefused:
        logins = own
    found = None
    for login in logins:
        answer = "md5" + hashlib.md5(login.verifier.encode() + salt, usedforsecurity=False).hexdigest()
        if hmac.compare_digest(answer.encode(), shown.encode()):
            found = found or login
    return found


def _expired(user: User) -> bool:
    import datetime

    if not user.valid_until or user.valid_until.lower() == "infinity":
        return False
    until = datetime.datetime.fromisoformat(user.valid_until)
    until = until if until.tzinfo else until.replace(tzinfo=datetime.UTC)
    return until < datetime.datetime.now(datetime.UTC)


def _limit(warehouse: "Instance", name: str, user: User | None, database: str, most: int) -> None:
    sessions = list(warehouse.sessions.values())
    superuser = user is not None and user.superuser
    if len(sessions) >= CONNECTIONS_MAX:
        raise SqlFailed("53300", "connection limit exceeded: sorry, too many clients already")
    if not superuser and 0 <= most <= sum(session.database == database for session in sessions):
        raise SqlFailed("53300", f'too many connections for database "{database}"')
    limit = user.connections_max if user is not None else -1
    if not superuser and 0 <= limit <= sum(session.session_user == name for session in sessions):
        raise SqlFailed("53300", f'too many connections for user "{name}"')


def _settings(parameters: dict[str, str]) -> dict[str, str]:
    """Settings among the parameters of a startup; what is none, is not looked at."""
    found = {name.lower(): value for name, value in parameters.items()}
    words = found.pop("options", "").replace("-c ", "-c").split()
    for word in words:
        name, equals, value = word.removeprefix("--").removeprefix("-c").partition("=")
        if equals:
            found[name.lower().replace("-", "_")] = value
    return {name: value for name, value in found.items() if name in SETTINGS and name not in FIXED}
