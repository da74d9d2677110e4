"""CREATE, ALTER, DROP and SHOW PROCEDURE."""

from typing import TYPE_CHECKING

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse import rights, tabular
from lakemill.warehouse.commands import signatures
from lakemill.warehouse.commands.databases import existing_user
from lakemill.warehouse.history import now
from lakemill.warehouse.objects import Routine
from lakemill.warehouse.procedures import parser
from lakemill.warehouse.results import Result
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session


def create_procedure(session: "Session", tokens: Tokens) -> Result:
    """CREATE [OR REPLACE] PROCEDURE name (arguments) [NONATOMIC] AS body LANGUAGE plpgsql [SECURITY ...] [SET ...]"""
    tokens.expect("CREATE")
    replace = tokens.take("OR", "REPLACE")
    tokens.expect("PROCEDURE")
    made = begun(session, tokens)
    language = ""
    while not tokens.ended():
        if tokens.take("NONATOMIC"):
            made.nonatomic = True
        elif tokens.take("AS"):
            made.body = session.kept(tokens.string())
        elif tokens.take("LANGUAGE"):
            language = tokens.string().lower() if tokens.is_string() else tokens.name()
        elif tokens.take("SECURITY"):
            made.definer = _definer(tokens)
        elif tokens.take("SET"):
            _setting(session, tokens, made)
        else:
            raise tokens.wrong()
    if language != "plpgsql":
        raise SqlFailed("42704", f'language "{language}" does not exist' if language else "no language specified")
    if not made.body:
        raise SqlFailed("42P13", "no procedure body specified")
    parser.parse(made.body)
    keep(session, "procedure", made, replace)
    return Result("CREATE PROCEDURE")


def begun(session: "Session", tokens: Tokens) -> Routine:
    """name (arguments): a routine that is to be made. Raises SqlFailed."""
    parts = tokens.qualified()
    given = signatures.arguments(tokens)
    schema, name = session.names.made_in(parts)
    rights.require(session, "schema", session.store.get("schema", schema, session.database), schema, "CREATE")
    return Routine(oid=0, owner=session.user, schema=schema, name=name, arguments=given, body="")


def keep(session: "Session", kind: str, made: Routine, replace: bool) -> None:
    """Make a procedure or function, or put it in the place of the one with the same arguments. Raises SqlFailed."""
    old: Routine | None = session.store.get(kind, made.key, session.database)
    if old is not None:
        if not replace:
            raise SqlFailed("42723", f'{kind} "{made.name}" already exists with same argument types')
        rights.require_owner(session, old, made.name, kind)
        if [one.type for one in old.arguments if one.mode != "in"] != [
            one.type for one in made.arguments if one.mode != "in"
        ] or old.returns != made.returns:
            raise SqlFailed(
                "42P13", f"cannot change return type of existing {kind}", hint=f"Use DROP {kind.upper()} first."
            )
        made.oid, made.owner, made.rights = old.oid, old.owner, old.rights
    else:
        made.oid = session.store.number()
    made.created = now().isoformat(sep=" ", timespec="seconds")
    session.transaction.touched()
    session.store.put(kind, made.key, made, session.database)


def _definer(tokens: Tokens) -> bool:
    word = tokens.any_of("DEFINER", "INVOKER")
    if not word:
        raise tokens.wrong()
    return word == "DEFINER"


def _setting(session: "Session", tokens: Tokens, made: Routine) -> None:
    name = ".".join(tokens.qualified())
    if not tokens.any_of("TO", "="):
        raise tokens.wrong()
    made.settings[name] = tokens.values()
    session.settings.checked(name, made.settings[name])


def drop_procedure(session: "Session", tokens: Tokens) -> Result:
    """DROP PROCEDURE name (arguments), ..."""
    tokens.expect("DROP", "PROCEDURE")
    while True:
        found = signatures.existing(session, tokens, "procedure")
        rights.require_owner(session, found, found.name, "procedure")
        session.transaction.touched()
        session.store.remove("procedure", found.key, session.database)
        if not tokens.take(","):
            break
    tokens.end()
    return Result("DROP PROCEDURE")


def alter_procedure(session: "Session", tokens: Tokens) -> Result:
    """ALTER PROCEDURE name (arguments) RENAME TO name | OWNER TO user"""
    tokens.expect("ALTER", "PROCEDURE")
    found = signatures.existing(session, tokens, "procedure")
    rights.require_owner(session, found, found.name, "procedure")
    before = found.key
    if tokens.take("RENAME", "TO"):
        found.name = tokens.name()
        if session.store.get("procedure", found.key, session.database) is not None:
            raise SqlFailed("42723", f'procedure "{found.name}" already exists with same argument types')
    elif tokens.take("OWNER", "TO"):
        found.owner = existing_user(session, tokens.name())
    else:
        raise tokens.wrong()
    tokens.end()
    session.transaction.touched()
    session.store.remove("procedure", before, session.database)
    session.store.put("procedure", found.key, found, session.database)
    return Result("ALTER PROCEDURE")


def show_procedure(session: "Session", tokens: Tokens) -> Result:
    """SHOW PROCEDURE name [(arguments)]: the statement that makes it."""
    tokens.expect("SHOW", "PROCEDURE")
    found = signatures.existing(session, tokens, "procedure")
    tokens.end()
    words = "NONATOMIC " if found.nonatomic else ""
    behind = " SECURITY DEFINER" if found.definer else ""
    behind += "".join(f" SET {name} TO {value}" for name, value in found.settings.items())
    shown = f"CREATE OR REPLACE PROCEDURE {signatures.shown(found)}\n{words}LANGUAGE plpgsql{behind}\n"
    shown += f"AS $_${found.body}$_$\n"
    return tabular.result("SHOW", [("Stored Procedure Definition", "varchar")], [(shown,)])
