"""CREATE and DROP FUNCTION: functions whose body is an expression in SQL."""

from typing import TYPE_CHECKING

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import Function
from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse import rights
from lakemill.warehouse.commands import attributes, removing, routines, signatures
from lakemill.warehouse.objects import stored_type, type_of
from lakemill.warehouse.results import Result
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

_PYTHON = "Redshift supports no Python functions after June 30, 2026"


def create(session: "Session", tokens: Tokens) -> Result:
    """CREATE [OR REPLACE] FUNCTION name (types) RETURNS type VOLATILE | STABLE | IMMUTABLE AS body LANGUAGE sql"""
    tokens.expect("CREATE")
    replace = tokens.take("OR", "REPLACE")
    tokens.expect("FUNCTION")
    made = routines.begun(session, tokens)
    if any(argument.mode != "in" or argument.cursor for argument in made.arguments):
        raise SqlFailed("42P13", "functions have IN arguments only")
    tokens.expect("RETURNS")
    made.returns = stored_type(attributes.type_of(tokens))
    language = ""
    while not tokens.ended():
        if word := tokens.any_of("VOLATILE", "STABLE", "IMMUTABLE"):
            made.volatility = word.lower()
        elif tokens.take("AS"):
            made.body = session.kept(tokens.string()).strip().rstrip(";")
        elif tokens.take("LANGUAGE"):
            language = tokens.string().lower() if tokens.is_string() else tokens.name()
        else:
            raise tokens.wrong()
    if language.startswith("plpython"):
        raise SqlFailed("0A000", f"LANGUAGE {language} is not supported: {_PYTHON}", hint="Use LANGUAGE sql.")
    if language != "sql":
        raise SqlFailed("42704", f'language "{language}" does not exist' if language else "no language specified")
    if not made.volatility:
        raise SqlFailed("42601", "a function must be VOLATILE, STABLE or IMMUTABLE")
    if not made.body:
        raise SqlFailed("42P13", "no function body specified")
    arguments = [type_of(argument.type) for argument in made.arguments]
    redshift.check_function(Function(made.body, arguments, type_of(made.returns)), session.names)
    made.rights = {"public": ["EXECUTE"]}
    routines.keep(session, "function", made, replace)
    return Result("CREATE FUNCTION")


def drop(session: "Session", tokens: Tokens) -> Result:
    """DROP FUNCTION name (types) [CASCADE | RESTRICT]"""
    tokens.expect("DROP", "FUNCTION")
    found = signatures.existing(session, tokens, "function")
    cascade = tokens.any_of("CASCADE", "RESTRICT") == "CASCADE"
    tokens.end()
    rights.require_owner(session, found, found.name, "function")
    for schema, name, view in removing.dependents(session, found.oid):
        if not cascade:
            raise SqlFailed(
                *("2BP01", f"cannot drop function {found.name} because other objects depend on it"),
                detail=f"{view.label} {name} depends on function {found.name}",
                hint="Use DROP ... CASCADE to drop the dependent objects too.",
            )
        if session.store.relation(session.database, schema, name) is not None:
            removing.remove(session, schema, name, view, True)
    session.transaction.touched()
    session.store.remove("function", found.key, session.database)
    return Result("DROP FUNCTION")
