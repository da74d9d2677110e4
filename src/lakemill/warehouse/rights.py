"""Who may do what: owners and superusers everything, others what was granted to them, their groups or roles."""

from typing import TYPE_CHECKING, Any

from lakemill.lakesql.dialects.redshift import Use, cases
from lakemill.lakesql.errors import SqlFailed

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

ALL = {
    "table": ["SELECT", "INSERT", "UPDATE", "DELETE", "DROP", "REFERENCES", "ALTER", "TRUNCATE"],
    "schema": ["USAGE", "CREATE", "ALTER", "DROP"],
    "database": ["CREATE", "TEMP", "USAGE", "ALTER"],
    "procedure": ["EXECUTE"],
    "function": ["EXECUTE"],
}
_NEEDED = {"read": "SELECT", "insert": "INSERT", "update": "UPDATE", "delete": "DELETE"}


def user_id(session: "Session") -> int:
    """The number of the session's user."""
    return session.user_id


def superuser(session: "Session", name: str = "") -> bool:
    """Whether a user is one; without a name, the session's."""
    found = session.store.get("user", name or session.user)
    return found is not None and found.superuser


def grantees(session: "Session", name: str = "") -> list[str]:
    """Whatever a grant may name that this user is: itself, its groups, its roles and theirs, and PUBLIC."""
    user = name or session.user
    found = ["public", f"user:{user}"]
    joined = session.groups if user == session.session_user else ()
    found += [
        f"group:{group}" for group, it in session.store.all("group").items() if user in it.members or group in joined
    ]
    roles = session.store.all("role")
    new = [f"user:{user}"]
    while new:
        new = [
            f"role:{role}" for role, it in roles.items() if f"role:{role}" not in found and set(new) & set(it.members)
        ]
        found += new
    return found


def may(session: "Session", document: Any, privilege: str, name: str = "", grant: bool = False) -> bool:
    """Whether a user has a right on a database, schema or relation; grant: may give it to others."""
    user = name or session.user
    if document.owner == user or superuser(session, user):
        return True
    wanted = {f"{privilege}*"} if grant else {privilege, f"{privilege}*"}
    held = document.rights
    return any(wanted & set(held.get(grantee, ())) for grantee in grantees(session, user)) if held else False


def owns(session: "Session", document: Any) -> bool:
    """Whether the session's user may do what only owners may."""
    return document.owner == session.user or superuser(session)


def require_owner(session: "Session", document: Any, name: str, kind: str = "relation") -> None:
    """Raises SqlFailed 42501."""
    if not owns(session, document):
        raise SqlFailed("42501", f"must be owner of {kind} {name}")


def require_superuser(session: "Session", what: str) -> None:
    """Raises SqlFailed 42501."""
    if not superuser(session):
        raise SqlFailed("42501", f"permission denied to {what}; must be superuser")


def require(session: "Session", kind: str, document: Any, name: str, privilege: str, user: str = "") -> None:
    """Raises SqlFailed 42501."""
    if not may(session, document, privilege, user):
        raise denied(kind, name)


def denied(kind: str, name: str) -> SqlFailed:
    """A right is missing."""
    return SqlFailed("42501", f"permission denied for {kind} {name}")


def check_uses(session: "Session", uses: list[Use], user: str = "") -> None:
    """Whether a statement may do what it does; a view reads in its owner's name. Raises SqlFailed 42501."""
    for use in uses:
        through = getattr(use, "through", None)
        _check(session, use, through.tag.document.owner if through is not None and through.tag is not None else user)


def _check(session: "Session", use: Use, user: str) -> None:
    tag = use.relation.tag
    document = getattr(tag, "document", None)
    if document is None or superuser(session, user):
        return
    who = user or session.user
    if tag.schema != "temp":
        check_usage(session, tag.schema, who, tag.database)
    needed = _NEEDED[use.action]
    if may(session, document, needed, who):
        return
    if use.columns and _on_columns(session, document, needed, who, use.columns):
        return
    raise denied("relation", tag.name)


def _on_columns(session: "Session", document: Any, privilege: str, user: str, columns: list[str]) -> bool:
    allowed: set[str] = set()
    for grantee in grantees(session, user):
        for column, held in document.columns_rights.get(grantee, {}).items():
            if privilege in held or f"{privilege}*" in held:
                allowed.add(column)
    return set(columns) <= allowed


def check_usage(session: "Session", schema: str, user: str = "", database: str = "") -> None:
    """Whether a user may name what is in a schema. Raises SqlFailed 42501, 3F000."""
    found = session.store.get("schema", schema, database or session.database)
    if found is None:
        raise SqlFailed("3F000", f'schema "{schema}" does not exist')
    if not may(session, found, "USAGE", user) and not may(session, found, "CREATE", user):
        raise denied("schema", schema)


def has(session: "Session", kind: str, user: str | None, name: str, privilege: str) -> bool:
    """What has_table_privilege and the like tell. Raises SqlFailed for what there is not."""
    who = user or session.user
    if session.store.get("user", who) is None:
        raise SqlFailed("42704", f'user "{who}" does not exist')
    wanted = privilege.upper().removesuffix(" WITH GRANT OPTION").strip()
    grant = privilege.upper().endswith(" WITH GRANT OPTION")
    if wanted == "TEMPORARY":
        wanted = "TEMP"
    if kind in ("table", "column"):
        parts = tuple(_part(session, part) for part in name.split("."))
        found = session.names.lookup(parts)
        if found is None:
            session.names.relation(parts)  # A system view, or nothing.
            return wanted == "SELECT"
        return may(session, found[2], wanted, who, grant)
    inside = "" if kind == "database" else session.database
    document = session.store.get(kind, name if kind == "database" else _part(session, name), inside)
    if document is None:
        code = "3F000" if kind == "schema" else "3D000"
        raise SqlFailed(code, f'{kind} "{name}" does not exist')
    return may(session, document, wanted, who, grant)


def _part(session: "Session", name: str) -> str:
    """A name in a text, which may be in double quotes."""
    if name.startswith('"') and session.case_sensitive:
        return cases.kept_name(name.strip('"'))
    return name.strip('"')
