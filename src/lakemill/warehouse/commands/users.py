"""Users, groups and roles."""

import hashlib
import re
from typing import TYPE_CHECKING

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse import rights
from lakemill.warehouse.commands.databases import changed_settings
from lakemill.warehouse.objects import TEMPORARY, Group, Role, User
from lakemill.warehouse.results import Result
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session


def create_user(session: "Session", tokens: Tokens) -> Result:
    """CREATE USER name [WITH] PASSWORD text | MD5 hash | DISABLE, options"""
    rights.require_superuser(session, "create user")
    tokens.expect("CREATE", "USER")
    name = tokens.name()
    if session.store.get("user", name) is not None:
        raise SqlFailed("42710", f'user "{name}" already exists')
    user, given = User(id=session.store.number()), list[str]()
    _options(session, tokens, name, user, given)
    if "password" not in given:
        raise SqlFailed("42601", "CREATE USER must specify PASSWORD")
    session.transaction.touched()
    session.store.put("user", name, user)
    return Result("CREATE USER")


def alter_user(session: "Session", tokens: Tokens) -> Result:
    """ALTER USER name [WITH] options | RENAME TO name | SET name TO value | RESET name"""
    tokens.expect("ALTER", "USER")
    name = tokens.name()
    user: User | None = session.store.get("user", name)
    if user is None:
        raise SqlFailed("42704", f'user "{name}" does not exist')
    own = name == session.user and tokens.peek() in ("PASSWORD", "SET", "RESET", "WITH")
    if not own:
        rights.require_superuser(session, "alter user")
    session.transaction.touched()
    if tokens.take("RENAME", "TO"):
        raise SqlFailed("0A000", "ALTER USER RENAME is not supported")
    if tokens.peek() in ("SET", "RESET"):
        user.settings = changed_settings(tokens, user.settings)
        tokens.end()
    else:
        given: list[str] = []
        _options(session, tokens, name, user, given)
        if own and set(given) - {"password"}:
            rights.require_superuser(session, "alter user")
    session.store.put("user", name, user)
    return Result("ALTER USER")


def drop_user(session: "Session", tokens: Tokens) -> Result:
    """DROP USER [IF EXISTS] name, ..."""
    rights.require_superuser(session, "drop user")
    tokens.expect("DROP", "USER")
    lenient = tokens.take("IF", "EXISTS")
    names = tokens.listed()
    tokens.end()
    session.transaction.touched()
    for name in names:
        if session.store.get("user", name) is None:
            if not lenient:
                raise SqlFailed("42704", f'user "{name}" does not exist')
            session.notices.append(f'INFO:  user "{name}" does not exist and will be skipped')
            continue
        if name in (session.session_user, session.user):
            raise SqlFailed("55006", "current user cannot be dropped")
        _unneeded(session, name)
        for kind in ("group", "role"):
            member = name if kind == "group" else f"user:{name}"
            for other, document in session.store.all(kind).items():
                if member in document.members:
                    document.members.remove(member)
                    session.store.put(kind, other, document)
        session.store.remove("user", name)
    return Result("DROP USER")


def _unneeded(session: "Session", name: str) -> None:
    """Raises SqlFailed 2BP01 where a user owns something, or something was granted to it."""
    grantee = f"user:{name}"
    databases = session.store.all("database")
    owned = [("database", one, it) for one, it in databases.items()]
    for database in databases:
        owned += [("schema", one, it) for one, it in session.store.all("schema", database).items() if one]
        owned += [("table", one, it) for place, one, it in session.store.relations(database) if place != TEMPORARY]
        for kind in ("procedure", "function"):
            owned += [(kind, it.name, it) for it in session.store.all(kind, database).values()]
    for kind, one, document in owned:
        if document.owner == name:
            raise SqlFailed(
                "2BP01",
                f'user "{name}" cannot be dropped because some objects depend on it',
                detail=f"owner of {kind} {one}",
            )
        if grantee in document.rights:
            raise SqlFailed(
                "2BP01",
                f'user "{name}" cannot be dropped because the user has a privilege on some object',
                detail=f"privileges for {kind} {one}",
            )


def _options(session: "Session", tokens: Tokens, name: str, user: User, given: list[str]) -> None:
    tokens.take("WITH")
    while not tokens.ended():
        word = tokens.peek()
        tokens.take(word) if word else None
        if word == "PASSWORD":
            given.append("password")
            user.verifier = "" if tokens.take("DISABLE") else _verifier(tokens.string(), name)
        elif word in ("CREATEDB", "NOCREATEDB"):
            user.create_databases = word == "CREATEDB"
            given.append("createdb")
        elif word in ("CREATEUSER", "NOCREATEUSER"):
            user.superuser = word == "CREATEUSER"
            given.append("createuser")
        elif word == "VALID":
            tokens.expect("UNTIL")
            user.valid_until = tokens.string()
            _moment(user.valid_until)
            given.append("valid")
        elif word == "IN":
            tokens.expect("GROUP")
            for group in tokens.listed():
                _join(session, group, name)
            given.append("group")
        elif word == "CONNECTION":
            tokens.expect("LIMIT")
            user.connections_max = -1 if tokens.take("UNLIMITED") else tokens.number()
            given.append("limit")
        elif word in ("SYSLOG", "SESSION", "EXTERNALID"):
            raise SqlFailed("0A000", f"{word} of a user is not supported")
        else:
            raise tokens.wrong()


def _moment(text: str) -> None:
    import datetime

    if text.lower() == "infinity":
        return
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        raise SqlFailed("22007", f'invalid input syntax for type timestamp: "{text}"') from None


def _verifier(password: str, name: str) -> str:
    """MD5 of password and name, which may be given as it is. Raises SqlFailed for too weak a password."""
    if re.fullmatch(r"md5[0-9a-f]{32}", password):
        return password[3:]
    if password.startswith("sha256|"):
        raise SqlFailed("0A000", "passwords as SHA-256 are not supported")
    if not 8 <= len(password) <= 64:
        raise SqlFailed("22023", "password must be 8 to 64 characters in length")
    for pattern, what in (("[A-Z]", "uppercase letter"), ("[a-z]", "lowercase letter"), ("[0-9]", "digit")):
        if not re.search(pattern, password):
            raise SqlFailed("22023", f"password must contain at least one {what}")
    return hashlib.md5((password + name).encode(), usedforsecurity=False).hexdigest()


def _join(session: "Session", group: str, name: str) -> None:
    document: Group | None = session.store.get("group", group)
    if document is None:
        raise SqlFailed("42704", f'group "{group}" does not exist')
    if name not in document.members:
        document.members.append(name)
    session.store.put("group", group, document)


def create_group(session: "Session", tokens: Tokens) -> Result:
    """CREATE GROUP name [[WITH] USER user, ...]"""
    rights.require_superuser(session, "create group")
    tokens.expect("CREATE", "GROUP")
    name = tokens.name()
    tokens.take("WITH")
    members = tokens.listed() if tokens.take("USER") else []
    tokens.end()
    if session.store.get("group", name) is not None:
        raise SqlFailed("42710", f'group "{name}" already exists')
    session.transaction.touched()
    session.store.put("group", name, Group(id=session.store.number()))
    for member in members:
        _known(session, member)
        _join(session, name, member)
    return Result("CREATE GROUP")


def alter_group(session: "Session", tokens: Tokens) -> Result:
    """ALTER GROUP name ADD | DROP USER user, ..."""
    rights.require_superuser(session, "alter group")
    tokens.expect("ALTER", "GROUP")
    name = tokens.name()
    document: Group | None = session.store.get("group", name)
    if document is None:
        raise SqlFailed("42704", f'group "{name}" does not exist')
    if tokens.peek() == "RENAME":
        raise SqlFailed("0A000", "ALTER GROUP RENAME is not supported")
    word = tokens.any_of("ADD", "DROP")
    if not word:
        raise tokens.wrong()
    tokens.expect("USER")
    members = tokens.listed()
    tokens.end()
    for member in members:
        _known(session, member)
    kept = [member for member in document.members if member not in members]
    document.members = kept + members if word == "ADD" else kept
    session.transaction.touched()
    session.store.put("group", name, document)
    return Result("ALTER GROUP")


def drop_group(session: "Session", tokens: Tokens) -> Result:
    """DROP GROUP name"""
    rights.require_superuser(session, "drop group")
    tokens.expect("DROP", "GROUP")
    name = tokens.name()
    tokens.end()
    if session.store.get("group", name) is None:
        raise SqlFailed("42704", f'group "{name}" does not exist')
    session.transaction.touched()
    session.store.remove("group", name)
    return Result("DROP GROUP")


def _known(session: "Session", name: str) -> None:
    if session.store.get("user", name) is None:
        raise SqlFailed("42704", f'user "{name}" does not exist')


def create_role(session: "Session", tokens: Tokens) -> Result:
    """CREATE ROLE name"""
    rights.require_superuser(session, "create role")
    tokens.expect("CREATE", "ROLE")
    name = tokens.name()
    tokens.end()
    if session.store.get("role", name) is not None:
        raise SqlFailed("42710", f'role "{name}" already exists')
    session.transaction.touched()
    session.store.put("role", name, Role(id=session.store.number(), owner=session.user))
    return Result("CREATE ROLE")


def alter_role(session: "Session", tokens: Tokens) -> Result:
    """ALTER ROLE name OWNER TO user"""
    rights.require_superuser(session, "alter role")
    tokens.expect("ALTER", "ROLE")
    name = tokens.name()
    document: Role | None = session.store.get("role", name)
    if document is None:
        raise SqlFailed("42704", f'role "{name}" does not exist')
    if not tokens.take("OWNER", "TO"):
        raise SqlFailed("0A000", f"ALTER ROLE with {tokens.peek()} is not supported")
    document.owner = tokens.name()
    _known(session, document.owner)
    tokens.end()
    session.transaction.touched()
    session.store.put("role", name, document)
    return Result("ALTER ROLE")


def drop_role(session: "Session", tokens: Tokens) -> Result:
    """DROP ROLE name [FORCE | RESTRICT]"""
    rights.require_superuser(session, "drop role")
    tokens.expect("DROP", "ROLE")
    name = tokens.name()
    force = tokens.any_of("FORCE", "RESTRICT") == "FORCE"
    tokens.end()
    document: Role | None = session.store.get("role", name)
    if document is None:
        raise SqlFailed("42704", f'role "{name}" does not exist')
    if document.members and not force:
        raise SqlFailed("2BP01", f'role "{name}" cannot be dropped because it has been granted')
    session.transaction.touched()
    session.store.remove("role", name)
    return Result("DROP ROLE")
