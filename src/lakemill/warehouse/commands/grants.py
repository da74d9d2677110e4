"""GRANT, REVOKE, and ALTER DEFAULT PRIVILEGES."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lakemill.lakesql.dialects.redshift import cases
from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse import rights
from lakemill.warehouse.commands import removing, signatures
from lakemill.warehouse.objects import Role, Routine, Schema
from lakemill.warehouse.results import Result
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

_WORDS = {word for words in rights.ALL.values() for word in words} | {"TEMPORARY", "EXECUTE"}


class Change:
    """What is granted or revoked. columns: of a right that is on some columns only."""

    def __init__(self, tokens: Tokens, giving: bool) -> None:
        self.giving = giving
        self.option_only = not giving and tokens.take("GRANT", "OPTION", "FOR")
        self.all = tokens.take("ALL")
        self.privileges: list[tuple[str, list[str]]] = []
        if self.all:
            tokens.take("PRIVILEGES")
            return
        while True:
            word = tokens.any_of(*_WORDS)
            if not word:
                raise tokens.wrong()
            columns = tokens.names() if tokens.peek() == "(" else []
            self.privileges.append(("TEMP" if word == "TEMPORARY" else word, columns))
            if not tokens.take(","):
                break

    def of(self, kind: str) -> list[tuple[str, list[str]]]:
        """The rights on such an object. Raises SqlFailed 0LP01 for one that there is not."""
        if self.all:
            return [(word, []) for word in rights.ALL[kind]]
        for word, columns in self.privileges:
            if word not in rights.ALL[kind] or (columns and (kind != "table" or word not in ("SELECT", "UPDATE"))):
                raise SqlFailed("0LP01", f"invalid privilege type {word} for {kind}")
        return self.privileges


def grant(session: "Session", tokens: Tokens) -> Result:
    """GRANT rights ON objects TO grantees [WITH GRANT OPTION]; GRANT ROLE role TO grantees"""
    tokens.expect("GRANT")
    if tokens.take("ROLE"):
        _roles(session, tokens, True)
    else:
        _change(session, tokens, Change(tokens, True))
    return Result("GRANT")


def revoke(session: "Session", tokens: Tokens) -> Result:
    """REVOKE [GRANT OPTION FOR] rights ON objects FROM grantees; REVOKE ROLE role FROM grantees"""
    tokens.expect("REVOKE")
    if tokens.take("ROLE"):
        _roles(session, tokens, False)
    else:
        _change(session, tokens, Change(tokens, False))
    return Result("REVOKE")


def _change(session: "Session", tokens: Tokens, change: Change) -> None:
    if not tokens.take("ON"):
        raise SqlFailed("0A000", "only privileges on objects can be granted")
    session.transaction.touched()
    objects = list(_objects(session, tokens))
    tokens.expect("TO" if change.giving else "FROM")
    grantees = _grantees(session, tokens)
    option = change.giving and tokens.take("WITH", "GRANT", "OPTION")
    tokens.any_of("CASCADE", "RESTRICT")
    tokens.end()
    for kind, name, document, keep in objects:
        for privilege, columns in change.of(kind):
            if not rights.may(session, document, privilege, grant=True):
                raise rights.denied("relation" if kind == "table" else kind, name)
            for grantee in grantees:
                for held in _held(document, grantee, columns, name):
                    _apply(held, privilege, change, option)
        for grantee in grantees:
            if not document.rights.get(grantee):
                document.rights.pop(grantee, None)
        keep()


def _held(document: Any, grantee: str, columns: list[str], name: str) -> Iterable[list[str]]:
    if not columns:
        return [document.rights.setdefault(grantee, [])]
    for column in columns:
        if document.column(column) is None:
            raise SqlFailed("42703", f'column "{column}" of relation "{name}" does not exist')
    of_grantee = document.columns_rights.setdefault(grantee, {})
    return [of_grantee.setdefault(column, []) for column in columns]


def _apply(held: list[str], privilege: str, change: Change, option: bool) -> None:
    had = [one for one in (privilege, f"{privilege}*") if one in held]
    for one in had:
        held.remove(one)
    if change.giving:
        held.append(f"{privilege}*" if option or f"{privilege}*" in had else privilege)
    elif change.option_only and had:
        held.append(privilege)


def _objects(session: "Session", tokens: Tokens) -> Iterable[tuple[str, str, Any, Any]]:
    """Kind, name, document, and how it is kept."""
    if tokens.take("ALL", "TABLES", "IN", "SCHEMA"):
        for schema in tokens.listed():
            _, _, _, _ = next(iter(_named(session, "schema", [schema])))
            for place, name, relation in session.store.relations(session.database):
                if place == schema:
                    yield "table", name, relation, _keeper(session, place, name, relation)
        return
    for kind in ("procedure", "function"):
        if tokens.take("ALL", f"{kind.upper()}S", "IN", "SCHEMA"):
            wanted = tokens.listed()
            for routine in signatures.every(session, kind).values():
                if routine.schema in wanted:
                    yield kind, routine.name, routine, _keeper_of(session, kind, routine)
            return
        if tokens.take(kind.upper()):
            yield from _routines(session, tokens, kind)
            return
    if tokens.peek() in ("LANGUAGE", "EXTERNAL", "MODEL", "DATASHARE", "ALL"):
        raise SqlFailed("0A000", f"privileges on {tokens.peek()} are not supported")
    for kind in ("schema", "database"):
        if tokens.take(kind.upper()):
            yield from _named(session, kind, tokens.listed())
            return
    tokens.take("TABLE")
    names = [tokens.qualified()]
    while tokens.take(","):
        names.append(tokens.qualified())
    for parts in names:
        schema, name, relation = removing.existing(session, parts)
        yield "table", name, relation, _keeper(session, schema, name, relation)


def _routines(session: "Session", tokens: Tokens, kind: str) -> Iterable[tuple[str, str, Any, Any]]:
    while True:
        routine = signatures.existing(session, tokens, kind)
        yield kind, routine.name, routine, _keeper_of(session, kind, routine)
        if not tokens.take(","):
            break


def _keeper_of(session: "Session", kind: str, routine: Routine) -> Any:
    return lambda: session.store.put(kind, routine.key, routine, session.database)


def _keeper(session: "Session", schema: str, name: str, relation: Any) -> Any:
    return lambda: session.store.annotate(session.database, schema, name, relation)


def _named(session: "Session", kind: str, names: list[str]) -> Iterable[tuple[str, str, Any, Any]]:
    inside = "" if kind == "database" else session.database
    for name in names:
        document = session.store.get(kind, name, inside)
        if document is None:
            raise SqlFailed("3D000" if kind == "database" else "3F000", f'{kind} "{name}" does not exist')

        def keep(name: str = name, document: Any = document) -> None:
            session.store.put(kind, name, document, inside)

        yield kind, name, document, keep


def _grantees(session: "Session", tokens: Tokens) -> list[str]:
    found = []
    while True:
        if tokens.take("PUBLIC"):
            found.append("public")
        else:
            kind = (tokens.any_of("GROUP", "ROLE") or "USER").lower()
            if kind == "user" and tokens.peek() == "USER":
                tokens.take("USER")
            name = cases.folded(tokens.name())
            if session.store.get(kind, name) is None:
                raise SqlFailed("42704", f'{kind} "{name}" does not exist')
            found.append(f"{kind}:{name}")
        if not tokens.take(","):
            return found


def _roles(session: "Session", tokens: Tokens, giving: bool) -> None:
    names = tokens.listed()
    tokens.expect("TO" if giving else "FROM")
    grantees = _grantees(session, tokens)
    if tokens.take("WITH", "ADMIN", "OPTION"):
        raise SqlFailed("0A000", "WITH ADMIN OPTION is not supported")
    tokens.end()
    session.transaction.touched()
    for name in names:
        role: Role | None = session.store.get("role", name)
        if role is None:
            raise SqlFailed("42704", f'role "{name}" does not exist')
        rights.require_owner(session, role, name, "role")
        for grantee in grantees:
            if grantee.startswith("group:") or grantee == "public":
                raise SqlFailed("0LP01", "a role can be granted to users and roles only")
            if giving and grantee == f"role:{name}":
                raise SqlFailed("0LP01", f'role "{name}" cannot be granted to itself')
        kept = [member for member in role.members if member not in grantees]
        role.members = kept + grantees if giving else kept
        session.store.put("role", name, role)


def alter_default(session: "Session", tokens: Tokens) -> Result:
    """ALTER DEFAULT PRIVILEGES [FOR USER users] [IN SCHEMA schemas] GRANT | REVOKE ... ON TABLES TO | FROM ..."""
    tokens.expect("ALTER", "DEFAULT", "PRIVILEGES")
    users = tokens.listed() if tokens.take("FOR", "USER") else [session.user]
    schemas = tokens.listed() if tokens.take("IN", "SCHEMA") else [""]
    word = tokens.any_of("GRANT", "REVOKE")
    if not word:
        raise tokens.wrong()
    change = Change(tokens, word == "GRANT")
    tokens.expect("ON")
    if not tokens.take("TABLES"):
        raise SqlFailed("0A000", f"default privileges on {tokens.peek()} are not supported")
    tokens.expect("TO" if change.giving else "FROM")
    grantees = _grantees(session, tokens)
    option = change.giving and tokens.take("WITH", "GRANT", "OPTION")
    tokens.end()
    session.transaction.touched()
    for user in users:
        if user != session.user:
            rights.require_superuser(session, "alter default privileges")
        for schema in schemas:
            document: Schema | None = session.store.get("schema", schema, session.database)
            if document is None and schema:
                raise SqlFailed("3F000", f'schema "{schema}" does not exist')
            document = document or Schema(oid=0, owner="")
            held = document.defaults.setdefault(f"{user}/TABLES", {})
            for privilege, _ in change.of("table"):
                for grantee in grantees:
                    _apply(held.setdefault(grantee, []), privilege, change, option)
            session.store.put("schema", schema, document, session.database)
    return Result("ALTER DEFAULT PRIVILEGES")
