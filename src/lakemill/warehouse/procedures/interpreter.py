"""The flow of a procedure that runs: blocks, conditions, loops, errors."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import INTEGER, VARCHAR
from lakemill.warehouse.procedures import declaring, nodes, performing
from lakemill.warehouse.procedures.evaluating import rows_of
from lakemill.warehouse.procedures.nodes import Block, Statement
from lakemill.warehouse.procedures.running import Running
from lakemill.warehouse.procedures.variables import Variable

if TYPE_CHECKING:
    from lakemill.warehouse.results import Result

# No handler gets these: cancelled, and the session ends.
_CANCELLED = ("57014", "57P01")
_NAMES: dict[type[Statement], str] = {
    nodes.Assign: "assignment",
    nodes.Block: "block",
    nodes.If: "if",
    nodes.Case: "case",
    nodes.Loop: "loop",
    nodes.ForInteger: "for with integer loopvar",
    nodes.ForQuery: "for over select rows",
    nodes.Leave: "exit",
    nodes.Raise: "raise",
    nodes.Sql: "SQL statement",
    nodes.Execute: "execute statement",
    nodes.Call: "SQL statement",
    nodes.Open: "open",
    nodes.Fetch: "fetch",
    nodes.Close: "close",
    nodes.Diagnostics: "get diagnostics",
    nodes.Transaction: "SQL statement",
}


class _Flow(Exception):
    """No error: what leaves a statement before its end."""


class _Left(_Flow):
    def __init__(self, again: bool, label: str) -> None:
        self.again, self.label = again, label


class _Returned(_Flow):
    pass


def run(running: Running, block: Block) -> None:
    """Carry out a body. Raises SqlFailed, with where it happened in `context`."""
    try:
        _Interpreter(running).block(block)
    except _Returned:
        pass
    except _Left as left:
        word = "CONTINUE" if left.again else "EXIT"
        raise SqlFailed("42601", f"{word} cannot be used outside a loop") from None


class _Interpreter:
    def __init__(self, running: Running) -> None:
        self._running, self._scopes, self._evaluator = running, running.scopes, running.evaluator

    def block(self, block: Block) -> None:
        scope = self._scopes.push([])
        try:
            self._guarded(block, lambda: self._declare(block, scope))
            for statement in block.body:
                self._guarded(block, lambda: self._one(statement), goes_on=block.goes_on)  # noqa: B023
        except _Handled:
            pass
        except _Left as left:
            if left.again or not left.label or left.label != block.label:
                raise
        finally:
            self._scopes.pop()

    def _declare(self, block: Block, scope: dict[str, Variable]) -> None:
        for declaration in block.declarations:
            self._at(
                declaration.line,
                "during statement block local variable initialization",
                lambda: declaring.declare(self._running, declaration, scope),  # noqa: B023
            )

    def _guarded(self, block: Block, carry_out: Callable[[], None], goes_on: bool = False) -> None:
        if block.handler is None:
            carry_out()
            return
        try:
            carry_out()
        except _Flow:
            raise
        except Exception as wrong:
            failure = self._running.failure_of(wrong)
            if failure.code in _CANCELLED:
                raise failure from None
            self._handle(block, failure)
            if not (goes_on and not self._running.atomic):
                raise _Handled from None

    def _handle(self, block: Block, failure: SqlFailed) -> None:
        """What was done is taken back, the handler runs in a new transaction; then the error goes on, if it must."""
        running = self._running
        running.session.fail()
        told = [Variable("sqlerrm", VARCHAR, failure.message), Variable("sqlstate", VARCHAR, failure.code)]
        self._scopes.push(told)
        running.handled.append(failure)
        try:
            self._body(block.handler or [])
        finally:
            running.handled.pop()
            self._scopes.pop()
        running.end_of_handler()
        if running.rethrows:
            raise failure

    def _body(self, statements: list[Statement]) -> None:
        for statement in statements:
            self._one(statement)

    def _one(self, statement: Statement) -> None:
        self._running.check()
        kind = type(statement)
        carry_out = partial(_FLOW[kind], self) if kind in _FLOW else partial(_PERFORM[kind], self._running)
        self._at(statement.line, f"at {_NAMES.get(kind, 'statement')}", lambda: carry_out(statement))

    def _at(self, line: int, what: str, carry_out: Callable[[], None]) -> None:
        """Carry it out; an error that comes from there, knows where."""
        try:
            carry_out()
        except _Flow:
            raise
        except Exception as wrong:
            failure = self._running.failure_of(wrong)
            self._running.tell(failure, line, what)
            raise failure from None

    # Statements

    def _assign(self, node: nodes.Assign) -> None:
        kind = self._scopes.variable(node.target[0]).kind if len(node.target) == 1 else None
        value = self._evaluator.value(node.value, kind)
        self._scopes.assign(node.target, value, self._evaluator.convert)

    def _branch(self, node: nodes.If | nodes.Case) -> None:
        body = next((body for condition, body in node.branches if self._evaluator.true(condition)), node.otherwise)
        if body is None:
            raise SqlFailed("20000", "case not found", hint="CASE statement is missing ELSE part.")
        self._body(body)

    def _loop(self, node: nodes.Loop) -> None:
        while node.condition is None or self._evaluator.true(node.condition):
            self._running.check()
            if not self._turn(node.body, node.label):
                break

    def _turn(self, body: list[Statement], label: str) -> bool:
        """One turn of a loop; False where it is left."""
        try:
            self._body(body)
        except _Left as left:
            if left.label and left.label != label:
                raise
            return left.again
        return True

    def _for_integer(self, node: nodes.ForInteger) -> None:
        bounds = [self._evaluator.value(query, INTEGER)[1] for query in (node.first, node.last)]
        if None in bounds:
            raise SqlFailed("22004", "a bound of a FOR loop cannot be null")
        first, last = (int(bound) for bound in bounds if bound is not None)
        variable = Variable(node.variable, INTEGER)
        turns = range(first, last - 1, -1) if node.reverse else range(first, last + 1)
        self._scopes.push([variable])
        try:
            for number in turns:
                variable.value = str(number)
                self._running.check()
                if not self._turn(node.body, node.label):
                    break
        finally:
            self._scopes.pop()
        self._scopes.found.value = "t" if turns else "f"

    def _for_query(self, node: nodes.ForQuery) -> None:
        result = performing.dynamic(self._running, node.query) if node.dynamic else self._queried(node.query)
        if result.columns is None:
            raise SqlFailed("42601", "a FOR loop needs a query that gives rows")
        names, some = [name for name, _ in result.columns], False
        for row in rows_of(self._running.session, result):
            some = True
            self._scopes.assign_row(node.targets, names, row, self._evaluator.convert)
            if not self._turn(node.body, node.label):
                break
        self._scopes.found.value = "t" if some else "f"

    def _queried(self, query: nodes.Query) -> "Result":
        return performing.carry_out(self._running, self._evaluator.bound(query))

    def _leave(self, node: nodes.Leave) -> None:
        if node.condition is None or self._evaluator.true(node.condition):
            raise _Left(node.again, node.label)

    def _return(self, node: nodes.Return) -> None:
        raise _Returned

    def _nothing(self, node: nodes.Nothing) -> None:
        pass


class _Handled(_Flow):
    """A handler has ended, and its block ends with it."""


_FLOW: dict[type[Statement], Callable[..., None]] = {
    nodes.Block: _Interpreter.block,
    nodes.Assign: _Interpreter._assign,
    nodes.If: _Interpreter._branch,
    nodes.Case: _Interpreter._branch,
    nodes.Loop: _Interpreter._loop,
    nodes.ForInteger: _Interpreter._for_integer,
    nodes.ForQuery: _Interpreter._for_query,
    nodes.Leave: _Interpreter._leave,
    nodes.Return: _Interpreter._return,
    nodes.Nothing: _Interpreter._nothing,
}
_PERFORM: dict[type[Statement], Callable[..., None]] = {
    nodes.Raise: performing.raise_,
    nodes.Sql: performing.sql,
    nodes.Execute: performing.execute,
    nodes.Call: performing.call,
    nodes.Open: performing.open_,
    nodes.Fetch: performing.fetch,
    nodes.Close: performing.close,
    nodes.Diagnostics: performing.diagnostics,
    nodes.Transaction: performing.transaction,
}
