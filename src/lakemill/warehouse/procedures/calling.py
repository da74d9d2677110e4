"""CALL: which procedure is meant, its arguments, and what it gives."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import Parameters
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import UNKNOWN, VARCHAR, Type
from lakemill.warehouse import rights
from lakemill.warehouse.history import now
from lakemill.warehouse.objects import Argument, Routine, type_of
from lakemill.warehouse.procedures import expressions, interpreter, parser, telling
from lakemill.warehouse.procedures.evaluating import Evaluator, typed_row
from lakemill.warehouse.procedures.nodes import Name, Query
from lakemill.warehouse.procedures.running import DEEP_MAX, Running
from lakemill.warehouse.procedures.variables import Scopes, Value, Variable
from lakemill.warehouse.results import Result
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session


def call(session: "Session", text: str, parameters: Parameters | None) -> Result:
    """CALL name(values), of a client or from EXECUTE. Raises SqlFailed."""
    session.transaction.need()
    name, values = _taken(text)
    evaluator = Evaluator(session, Scopes(_given(parameters)))
    try:
        routine, given = found(session, name, values, evaluator)
    finally:
        evaluator.close()
    running = invoke(session, routine, given, session.running)
    columns = columns_of(routine)
    if not columns:
        return Result("CALL")
    shown = [
        variable.value
        for argument, variable in zip(routine.arguments, running.scopes.arguments, strict=True)
        if argument.mode != "in"
    ]
    return typed_row(session, columns, shown)


def columns(session: "Session", text: str) -> list[tuple[str, Type]] | None:
    """The columns that a CALL will give; None where it gives none. Raises SqlFailed."""
    session.transaction.need()
    name, values = _taken(text)
    named = [one for one in candidates(session, name) if len(one.inputs) == len(values)]
    if len(named) > 1:  # Its arguments say which.
        shapes = {tuple(columns_of(one)) for one in named}
        if len(shapes) > 1:
            raise SqlFailed("0A000", f"{'.'.join(name)} cannot be described before its arguments are known")
    return (columns_of(named[0]) or None) if named else None


def columns_of(routine: Routine) -> list[tuple[str, Type]]:
    """What a procedure gives: its arguments that are OUT or INOUT."""
    return [
        (argument.name or f"column{place}", kind_of(argument))
        for place, argument in enumerate((one for one in routine.arguments if one.mode != "in"), 1)
    ]


def kind_of(argument: Argument) -> Type:
    """The type of an argument; that of a refcursor is VARCHAR."""
    return VARCHAR if argument.cursor else type_of(argument.type)


def candidates(session: "Session", name: Name) -> list[Routine]:
    """Procedures of a name, from the first schema of the search path that has one."""
    if len(name) > 2:
        if name[0] != session.database:
            raise SqlFailed("0A000", "procedures of other databases cannot be called")
        name = name[1:]
    every = list(session.store.all("procedure", session.database).values())
    for schema in [name[0]] if len(name) == 2 else session.names.path():
        here = [one for one in every if one.schema == schema and one.name == name[-1]]
        if here:
            return here
    return []


def found(
    session: "Session", name: Name, values: list[Query], evaluator: Evaluator, every: bool = False
) -> tuple[Routine, list[str | None]]:
    """The procedure that a CALL means, and the values of all its arguments. Raises SqlFailed 42883, 42725, 42501.

    every: values may be given for OUT arguments too, as in a procedure.
    """
    given = [evaluator.value(query) for query in values]
    kinds = [UNKNOWN if _open(evaluator, query) else kind for query, (kind, _) in zip(values, given, strict=True)]
    priced = []
    for routine in candidates(session, name):
        price = _price(routine.inputs, kinds)
        if price is None and every:
            price = _price(routine.arguments, kinds)
        if price is not None:
            priced.append((price, routine))
    best = [routine for price, routine in priced if price == min(price for price, _ in priced)]
    if len(best) != 1:
        shown = ", ".join(redshift.shown(kind) for kind in kinds)
        if not best:
            hint = "No procedure matches the given name and argument types. You may need to add explicit type casts."
            raise SqlFailed("42883", f"procedure {'.'.join(name)}({shown}) does not exist", hint=hint)
        raise SqlFailed("42725", f"procedure {'.'.join(name)}({shown}) is not unique")
    (routine,) = best
    rights.check_usage(session, routine.schema)
    rights.require(session, "procedure", routine, routine.name, "EXECUTE")
    return routine, _values(routine, given, evaluator)


def _values(routine: Routine, given: list[Value], evaluator: Evaluator) -> list[str | None]:
    left = iter(given)
    all_of_them = len(given) != len(routine.inputs)
    made: list[str | None] = []
    for argument in routine.arguments:
        value = next(left) if all_of_them or argument.mode != "out" else None
        made.append(evaluator.convert(value, kind_of(argument)) if value and argument.mode != "out" else None)
    return made


def invoke(session: "Session", routine: Routine, values: list[str | None], outer: Running | None) -> Running:
    """Run a procedure; its arguments afterwards are in the scopes of what is given back. Raises SqlFailed."""
    if outer is not None and outer.deep >= DEEP_MAX:
        raise SqlFailed("54001", f"stored procedure calls can be nested at most {DEEP_MAX} deep")
    variables = [
        Variable(argument.name, kind_of(argument), value)
        for argument, value in zip(routine.arguments, values, strict=True)
    ]
    began, work = now(), session.work
    query = work.query if work is not None and outer is None else session.warehouse.history.number()
    text = work.text if work is not None and outer is None else f"CALL {routine.name}()"
    running = Running(session, routine.name, variables, outer, routine.nonatomic)
    running.query, aborted = query, True
    try:
        with _as_it_says(session, routine):
            session.running = running
            interpreter.run(running, parser.parse(routine.body))
        aborted = False
    finally:
        session.running = outer
        running.evaluator.close()
        telling.called(session, query, text, began, aborted, outer.query if outer is not None else None)
    return running


@contextlib.contextmanager
def _as_it_says(session: "Session", routine: Routine) -> Iterator[None]:
    """SECURITY DEFINER, and SET."""
    user, settings = session.user, session.settings
    before = {name: settings.get(name) for name in routine.settings}
    if routine.definer:
        session.user = routine.owner
    for name, value in routine.settings.items():
        settings.set(name, value)
    try:
        yield
    finally:
        session.user = user
        for name, old in before.items():
            settings.reset(name) if old is None else settings.set(name, old)


def _taken(text: str) -> tuple[Name, list[Query]]:
    tokens = Tokens(text, lines=True)
    tokens.expect("CALL")
    name = tokens.qualified()
    values = expressions.values(tokens)
    tokens.end()
    return name, values


def _given(parameters: Parameters | None) -> list[Variable]:
    if parameters is None:
        return []
    named = [Variable(f":{name}", VARCHAR, value, open=True) for name, value in parameters.named.items()]
    return named or [
        Variable("", parameters.types.get(place, VARCHAR), value, open=place not in parameters.types)
        for place, value in enumerate(parameters.values or [], 1)
    ]


def _open(evaluator: Evaluator, query: Query) -> bool:
    """Whether a value is a string or NULL, or a client's without a type, which is of any type."""
    bound = evaluator.bound(query)
    tree = bound.parsed.tree
    if isinstance(tree, exp.Select) and isinstance(tree.expressions[0], exp.Parameter):
        return evaluator.scopes.variable(bound.names[0][0]).open
    return isinstance(tree, exp.Select) and (
        isinstance(tree.expressions[0], exp.Null)
        or (isinstance(tree.expressions[0], exp.Literal) and tree.expressions[0].is_string)
    )


def _price(arguments: list[Argument], kinds: list[Type]) -> int | None:
    if len(arguments) != len(kinds):
        return None
    prices = [
        0 if argument.mode == "out" else redshift.price(kind, kind_of(argument))
        for argument, kind in zip(arguments, kinds, strict=True)
    ]
    return None if None in prices else sum(price for price in prices if price is not None)
