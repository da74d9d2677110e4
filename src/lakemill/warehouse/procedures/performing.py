"""What statements of a procedure do with the warehouse: SQL, text that becomes SQL, calls, cursors, messages."""

import itertools
from typing import TYPE_CHECKING

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import INTEGER
from lakemill.warehouse.commands.cursors import Cursor
from lakemill.warehouse.procedures import nodes
from lakemill.warehouse.procedures.evaluating import Bound, first_row, rows_in
from lakemill.warehouse.procedures.nodes import Query
from lakemill.warehouse.procedures.running import Running
from lakemill.warehouse.procedures.telling import message
from lakemill.warehouse.procedures.variables import Variable
from lakemill.warehouse.results import Result, spooled

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

_CHANGES = ("insert", "update", "delete", "merge")
_ENDS = ("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT")
_NUMBERS = itertools.count(1)


def carry_out(running: Running, bound: Bound) -> Result:
    """A statement with the variables that it names. Raises SqlFailed."""
    session, parsed = running.session, bound.parsed
    running.check()
    if parsed.kind == "command" and parsed.words:
        if parsed.words[0] in _ENDS:
            raise SqlFailed("0A000", f"{parsed.words[0]} cannot be executed from a text in a stored procedure")
        if parsed.words[0] == "TRUNCATE":
            running.may_end("TRUNCATE")
    outer = session.work
    try:
        result = session.run(parsed, running.evaluator.parameters(bound) if bound.names else None)
    finally:
        session.work = outer
    session.notices, result.notices = result.notices, []
    return result


def sql(running: Running, node: nodes.Sql) -> None:
    """A statement that stands in the body."""
    bound = running.evaluator.bound(node.query)
    result = carry_out(running, bound)
    if node.into:
        _into(running, node.into, result)
    elif result.columns is not None:
        _counted(running, sum(batch.num_rows for batch in result.rows_left()))
    else:
        running.row_count = max(0, result.rows)
        if bound.parsed.kind in _CHANGES:
            running.scopes.found.value = "t" if running.row_count else "f"
    running.end_of_statement()


def execute(running: Running, node: nodes.Execute) -> None:
    """EXECUTE text [INTO variables]"""
    result = dynamic(running, node.text)
    if node.into:
        _into(running, node.into, result)
    elif result.columns is not None:
        running.row_count = sum(batch.num_rows for batch in result.rows_left())
    else:
        running.row_count = max(0, result.rows)
    running.end_of_statement()


def dynamic(running: Running, query: Query) -> Result:
    """What the statement gives whose text an expression gives. Raises SqlFailed 22004, 42601."""
    text = running.evaluator.text(query)
    if text is None:
        raise SqlFailed("22004", "cannot EXECUTE a null querystring")
    statements = redshift.split(running.session.kept(text))
    if len(statements) != 1:
        raise SqlFailed("42601", "EXECUTE takes exactly one statement")
    return carry_out(running, Bound(redshift.parse(statements[0]), []))


def _into(running: Running, targets: list[nodes.Name], result: Result) -> None:
    if result.columns is None:
        raise SqlFailed("42601", "INTO used with a command that cannot return data")
    row = first_row(running.session, result)
    names = [name for name, _ in result.columns]
    running.scopes.assign_row(targets, names, row, running.evaluator.convert)
    _counted(running, 0 if row is None else 1)


def _counted(running: Running, rows: int) -> None:
    running.row_count = rows
    running.scopes.found.value = "t" if rows else "f"


def call(running: Running, node: nodes.Call) -> None:
    """CALL of another procedure: what it gives goes into the variables that stand in its place."""
    from lakemill.warehouse.procedures import calling

    session = running.session
    routine, given = calling.found(session, node.name, node.values, running.evaluator, every=True)
    inner = calling.invoke(session, routine, given, running)
    inputs = [place for place, argument in enumerate(routine.arguments) if argument.mode != "out"]
    places = inputs if len(node.values) == len(inputs) else range(len(routine.arguments))
    for place, query in zip(places, node.values, strict=True):
        if routine.arguments[place].mode == "in":
            continue
        names = running.evaluator.bound(query).names
        if len(names) != 1 or query.text != f"SELECT {'.'.join(names[0])}":
            if routine.arguments[place].mode == "inout":
                continue  # A value that is no variable keeps nothing.
            raise SqlFailed("42601", f"argument {place + 1} of {routine.name} is OUT and needs a variable")
        variable = inner.scopes.arguments[place]
        running.scopes.assign(
            names[0], (calling.kind_of(routine.arguments[place]), variable.value), running.evaluator.convert
        )
    running.end_of_statement()


# Cursors


def open_(running: Running, node: nodes.Open) -> None:
    """OPEN cursor [(values)] | FOR query | FOR EXECUTE text"""
    variable = running.scopes.variable(node.cursor)
    session = running.session
    name = variable.value or f"<unnamed portal {next(_NUMBERS)}>"
    if name in session.cursors:
        raise SqlFailed("42P03", f'cursor "{name}" already in use')
    if node.query is None:
        result = _declared(running, node, variable)
    elif node.dynamic:
        result = dynamic(running, node.query)
    else:
        result = carry_out(running, running.evaluator.bound(node.query))
    if result.columns is None:
        raise SqlFailed("42601", "a cursor needs a query")
    path = session.warehouse.scratch / f"portal-{session.pid}-{next(_NUMBERS)}.arrow"
    session.cursors[name] = Cursor(result.columns, spooled(result.rows_left(), path))
    variable.set(name)
    if session.transaction.state == "implicit":
        session.transaction.at_commit.append(session.cursors.clear)
        session.transaction.at_rollback.append(session.cursors.clear)


def _declared(running: Running, node: nodes.Open, variable: Variable) -> Result:
    cursor = variable.cursor
    if cursor is None:
        raise SqlFailed("42601", f'cursor "{node.cursor}" has no query of its own')
    if len(node.values) != len(cursor.arguments):
        raise SqlFailed(
            "42601", f'cursor "{node.cursor}" has {len(cursor.arguments)} arguments, not {len(node.values)}'
        )
    given = []
    for (name, kind), query in zip(cursor.arguments, node.values, strict=True):
        made = Variable(name, redshift.type_of_text(kind))
        made.value = running.evaluator.value(query, made.kind)[1]
        given.append(made)
    running.scopes.push(given)
    try:
        return carry_out(running, running.evaluator.bound(cursor.query))
    finally:
        running.scopes.pop()


def _cursor(session: "Session", variable: Variable) -> Cursor:
    found = session.cursors.get(variable.value or "")
    if found is None:
        raise SqlFailed("34000", f'cursor "{variable.value or variable.name}" does not exist')
    return found


def fetch(running: Running, node: nodes.Fetch) -> None:
    """FETCH cursor INTO variables"""
    cursor = _cursor(running.session, running.scopes.variable(node.cursor))
    row = next(rows_in(cursor.take(1), cursor.columns), None)
    names = [name for name, _ in cursor.columns]
    running.scopes.assign_row(node.into, names, row, running.evaluator.convert)
    _counted(running, 0 if row is None else 1)


def close(running: Running, node: nodes.Close) -> None:
    """CLOSE cursor"""
    variable = running.scopes.variable(node.cursor)
    _cursor(running.session, variable)
    del running.session.cursors[variable.value or ""]


def diagnostics(running: Running, node: nodes.Diagnostics) -> None:
    """GET DIAGNOSTICS variable := ROW_COUNT"""
    for target in node.targets:
        running.scopes.assign(target, (INTEGER, str(running.row_count)), running.evaluator.convert)


def transaction(running: Running, node: nodes.Transaction) -> None:
    """COMMIT, ROLLBACK, START TRANSACTION"""
    running.transaction(node.word)


# Messages


def raise_(running: Running, node: nodes.Raise) -> None:
    """RAISE: a message to the client, or an error."""
    if not node.level:
        if not running.handled:
            raise SqlFailed("0Z002", "RAISE without parameters cannot be used outside an exception handler")
        raise running.handled[-1]
    values = iter([running.evaluator.text(query) for query in node.values])
    parts = [part.split("%") for part in node.format.split("%%")]
    shown = []
    for pieces in parts:
        text = pieces[0]
        for piece in pieces[1:]:
            value = next(values)
            text += ("<NULL>" if value is None else value) + piece
        shown.append(text)
    message(running, node.level, "%".join(shown), node.line)
