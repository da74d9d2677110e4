"""How statements name procedures and functions: with the types of their arguments."""

import re
from typing import TYPE_CHECKING

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type, quoted
from lakemill.warehouse import rights
from lakemill.warehouse.commands import attributes
from lakemill.warehouse.objects import Argument, Routine, routine_key, stored_type, type_of
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

ARGUMENTS_MAX = 32
_MODES = ("IN", "OUT", "INOUT")
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
# Types of two words: the first would be a name otherwise.
_TWO_WORDS = {
    **dict.fromkeys(("DOUBLE",), ("PRECISION",)),
    **dict.fromkeys(("CHARACTER", "BINARY"), ("VARYING",)),
    **dict.fromkeys(("TIMESTAMP", "TIME"), ("WITH", "WITHOUT")),
}


def arguments(tokens: Tokens) -> list[Argument]:
    """([name] [IN | OUT | INOUT] type, ...). Raises SqlFailed."""
    tokens.expect("(")
    found: list[Argument] = []
    while tokens.peek() != ")":
        found.append(_argument(tokens))
        if not tokens.take(","):
            break
    tokens.expect(")")
    if len(found) > ARGUMENTS_MAX:
        raise SqlFailed("54023", f"routines can have at most {ARGUMENTS_MAX} arguments")
    names = [argument.name for argument in found if argument.name]
    if len(set(names)) < len(names):
        raise SqlFailed("42P13", "an argument name is used more than once")
    return found


def _argument(tokens: Tokens) -> Argument:
    mode, name = tokens.any_of(*_MODES), ""
    following = tokens.peek(1)
    if following not in (",", ")", "(") and following not in _TWO_WORDS.get(tokens.peek(), ()):
        name = tokens.name()
    mode = mode or tokens.any_of(*_MODES) or "IN"
    if tokens.take("REFCURSOR"):
        return Argument(name=name, mode=mode.lower(), type=stored_type(Type("varchar")), cursor=True)
    kind = attributes.type_of(tokens)
    if kind.name == "varbyte":
        raise SqlFailed("0A000", "arguments of type varbyte are not supported")
    return Argument(name=name, mode=mode.lower(), type=stored_type(kind))


def every(session: "Session", kind: str) -> dict[str, Routine]:
    """All procedures or functions of the database, by their keys."""
    return session.store.all(kind, session.database)


def existing(session: "Session", tokens: Tokens, kind: str) -> Routine:
    """name [(arguments)]: without arguments there may be one of that name only. Raises SqlFailed 42883, 42725."""
    parts = tokens.qualified()
    types = None
    if tokens.peek() == "(":
        types = [type_of(argument.type) for argument in arguments(tokens) if argument.mode != "out"]
    schemas = [parts[-2]] if len(parts) > 1 else session.names.path()
    for schema in schemas:
        named = [one for one in every(session, kind).values() if (one.schema, one.name) == (schema, parts[-1])]
        if types is not None:
            named = [one for one in named if one.key == routine_key(schema, parts[-1], types)]
        if len(named) > 1:
            raise SqlFailed("42725", f'{kind} name "{parts[-1]}" is not unique')
        if named:
            rights.check_usage(session, schema)
            return named[0]
    shown = ", ".join(redshift.shown(one) for one in types or [])
    raise SqlFailed("42883", f"{kind} {'.'.join(parts)}({shown}) does not exist")


def shown(routine: Routine) -> str:
    """name(arguments) as SHOW PROCEDURE writes them: names that need it are in quotes."""
    written = []
    for argument in routine.arguments:
        kind = "refcursor" if argument.cursor else redshift.shown(type_of(argument.type))
        mode = "" if argument.mode == "in" else argument.mode.upper()
        written.append(" ".join(word for word in (_written(argument.name), mode, kind) if word))
    return f"{_written(routine.schema)}.{_written(routine.name)}({', '.join(written)})"


def _written(name: str) -> str:
    return name if not name or _PLAIN.fullmatch(name) else quoted(name)
