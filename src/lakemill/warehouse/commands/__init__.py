"""Statements that are no queries: each kind has its file, and is found by its first words."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lakemill.lakesql.dialects.redshift import Parameters, Parsed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type
from lakemill.warehouse import loading, spectrum, unloading
from lakemill.warehouse.commands import (
    altering,
    cursors,
    databases,
    functions,
    grants,
    maintenance,
    making,
    materialized,
    prepared,
    removing,
    routines,
    schemas,
    sessions,
    users,
    views,
)
from lakemill.warehouse.procedures import calling
from lakemill.warehouse.results import Result
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

Command = Callable[["Session", Tokens], Result]

# By the words a statement begins with; the longest that fits counts.
COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("BEGIN", "START TRANSACTION"), sessions.begin),
    **dict.fromkeys(("COMMIT", "END"), sessions.commit),
    **dict.fromkeys(("ROLLBACK", "ABORT"), sessions.rollback),
    "SET": sessions.set,
    "SET SESSION AUTHORIZATION": sessions.set_authorization,
    "RESET": sessions.reset,
    "RESET SESSION AUTHORIZATION": sessions.reset_authorization,
    "SHOW": sessions.show,
    "DISCARD": sessions.discard,
    "CANCEL": sessions.cancel,
    "CREATE DATABASE": databases.create,
    "DROP DATABASE": databases.drop,
    "ALTER DATABASE": databases.alter,
    "CREATE SCHEMA": schemas.create,
    "DROP SCHEMA": schemas.drop,
    "ALTER SCHEMA": schemas.alter,
    **dict.fromkeys((f"CREATE{kind} TABLE" for kind in ("", " TEMP", " TEMPORARY", " LOCAL")), making.create),
    "DROP TABLE": removing.drop_table,
    "TRUNCATE": removing.truncate,
    "ALTER TABLE": altering.alter,
    **dict.fromkeys(("CREATE VIEW", "CREATE OR REPLACE VIEW"), views.create),
    "DROP VIEW": views.drop,
    "ALTER VIEW": views.alter,
    "CREATE MATERIALIZED VIEW": materialized.create,
    "ALTER MATERIALIZED VIEW": materialized.alter,
    "DROP MATERIALIZED VIEW": materialized.drop,
    "REFRESH MATERIALIZED VIEW": materialized.refresh,
    **dict.fromkeys(("CREATE PROCEDURE", "CREATE OR REPLACE PROCEDURE"), routines.create_procedure),
    "ALTER PROCEDURE": routines.alter_procedure,
    "DROP PROCEDURE": routines.drop_procedure,
    "SHOW PROCEDURE": routines.show_procedure,
    **dict.fromkeys(("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"), functions.create),
    "DROP FUNCTION": functions.drop,
    "COMMENT": maintenance.comment,
    "LOCK": maintenance.lock,
    "ANALYZE": maintenance.analyze,
    "VACUUM": maintenance.vacuum,
    "CREATE USER": users.create_user,
    "ALTER USER": users.alter_user,
    "DROP USER": users.drop_user,
    "CREATE GROUP": users.create_group,
    "ALTER GROUP": users.alter_group,
    "DROP GROUP": users.drop_group,
    "CREATE ROLE": users.create_role,
    "ALTER ROLE": users.alter_role,
    "DROP ROLE": users.drop_role,
    "GRANT": grants.grant,
    "REVOKE": grants.revoke,
    "ALTER DEFAULT PRIVILEGES": grants.alter_default,
    "DECLARE": cursors.declare,
    "FETCH": cursors.fetch,
    "CLOSE": cursors.close,
    "PREPARE": prepared.prepare,
    "EXECUTE": prepared.execute,
    "DEALLOCATE": prepared.deallocate,
    "COPY": lambda session, tokens: loading.carry_out(session, tokens.text),
    "UNLOAD": lambda session, tokens: unloading.carry_out(session, tokens.text),
    "CREATE EXTERNAL": lambda session, tokens: spectrum.carry_out(session, tokens.text),
}
# What Redshift has and this warehouse has not.
REFUSED = {
    "CREATE LIBRARY": "CREATE LIBRARY",
    "CREATE MODEL": "CREATE MODEL",
    "CREATE DATASHARE": "CREATE DATASHARE",
    "CREATE INDEX": "CREATE INDEX",
    "CREATE SEQUENCE": "CREATE SEQUENCE",
    "CREATE TRIGGER": "CREATE TRIGGER",
    "SAVEPOINT": "SAVEPOINT",
}


def carry_out(session: "Session", parsed: Parsed, parameters: Parameters | None = None) -> Result:
    """Carry out a command. Raises SqlFailed: 0A000 for what there is not, 42601 for what nobody understands."""
    if parsed.words[:1] == ["CALL"]:
        return calling.call(session, parsed.text, parameters)
    if parameters is not None and (parameters.values or parameters.named) and parsed.words[:1] != ["DECLARE"]:
        raise SqlFailed("42601", f"parameters are not possible in {parsed.words[0]}")
    tokens = Tokens(parsed.text)
    for count in range(len(parsed.words), 0, -1):
        start = " ".join(parsed.words[:count])
        if start in REFUSED:
            raise SqlFailed("0A000", f"{REFUSED[start]} is not supported")
        if start in COMMANDS:
            if not start.startswith(("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SET", "SHOW", "RESET")):
                session.transaction.need()
            return COMMANDS[start](session, tokens)
    raise tokens.wrong()


def described(session: "Session", parsed: Parsed) -> list[tuple[str, Type]] | None:
    """The columns that a command gives, before it is carried out; None where it gives none. Raises SqlFailed."""
    tokens = Tokens(parsed.text)
    if tokens.peek() == "CALL":
        return calling.columns(session, parsed.text)
    if tokens.peek() == "SHOW":
        return carry_out(session, parsed).columns
    if tokens.peek() == "FETCH":
        return cursors.columns(session, tokens)
    if tokens.peek() == "EXECUTE":
        return prepared.columns(session, tokens)
    return None


def create_as(session: "Session", parsed: Parsed, parameters: Parameters | None) -> Result:
    """CREATE TABLE AS, and SELECT INTO."""
    return making.create_as(session, parsed, parameters)
