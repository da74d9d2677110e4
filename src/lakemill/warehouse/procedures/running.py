"""One call of a procedure: whose it is, its variables, its transaction."""

from typing import TYPE_CHECKING

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.procedures.evaluating import Evaluator
from lakemill.warehouse.procedures.variables import Scopes, Variable

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session, Work

DEEP_MAX = 16


class Running:
    """A call under way; `outer` is the one that it is in.

    atomic: all it does is one transaction, unless it says COMMIT; else each statement is committed by itself.
    inside: the transaction is that of a block which the client has begun, so that it cannot be ended here.
    """

    def __init__(
        self, session: "Session", name: str, arguments: list[Variable], outer: "Running | None", nonatomic: bool
    ) -> None:
        self.session, self.name, self.outer = session, name, outer
        self.inside: bool = outer.inside if outer is not None else session.transaction.state in ("block", "failed")
        self.atomic: bool = not nonatomic or self.inside or (outer is not None and outer.atomic)
        self.scopes = Scopes(arguments)
        self.evaluator = Evaluator(session, self.scopes)
        self.row_count = 0
        self.handled: list[SqlFailed] = []
        """The errors whose handlers run."""
        self.work: Work | None = session.work
        """The CALL's: what can be cancelled when none of its statements runs."""
        self.query = 0
        """The number of the CALL."""
        self._begun = False
        self._told: SqlFailed | None = None

    @property
    def deep(self) -> int:
        """How many calls it is in, with itself."""
        return 1 if self.outer is None else self.outer.deep + 1

    @property
    def rethrows(self) -> bool:
        """Whether an error goes on when its handler has ended."""
        return self.atomic

    def check(self) -> None:
        """Raises SqlFailed once the call was cancelled."""
        if self.work is not None:
            self.work.check()

    def transaction(self, word: str) -> None:
        """COMMIT, ROLLBACK, START TRANSACTION. Raises SqlFailed 2D000 where the transaction is the client's."""
        session = self.session
        if word == "START":
            if self.atomic:
                raise SqlFailed("0A000", "START TRANSACTION is possible in NONATOMIC procedures only")
            self._begun = True
            return
        self.may_end(word)
        if word == "COMMIT":
            session.transaction.commit()
            session.settings.commit()
        else:
            session.transaction.rollback()
            session.settings.rollback()
        session.cursors.clear()
        self._begun = False

    def may_end(self, word: str) -> None:
        """Raises SqlFailed 2D000 where a statement that ends the transaction is not possible."""
        if self.inside:
            raise SqlFailed(
                *("2D000", f"{word} cannot be invoked from a procedure that is executing in an atomic context."),
                hint="Call the procedure outside of a transaction block.",
            )

    def end_of_statement(self) -> None:
        """A statement of SQL has ended: it is committed, if the procedure is not atomic."""
        if not self.atomic and not self._begun:
            self.session.sync()

    def end_of_handler(self) -> None:
        """What a handler has done is committed."""
        if not self.inside:
            self.session.sync()

    def failure_of(self, wrong: Exception) -> SqlFailed:
        """What it fails with, as a client is told; where the call was cancelled, with that."""
        from lakemill.warehouse.session import failure_of

        if self.work is not None and self.work.stopped is not None:
            return self.work.stopped
        failure = failure_of(wrong)
        if not failure.context:
            failure.position = None  # Of a text that the client has not sent.
        return failure

    def tell(self, failure: SqlFailed, line: int, what: str) -> None:
        """Note where in this call an error has come from: the innermost place."""
        if failure is not self._told:
            self._told = failure
            place = f'PL/pgSQL function "{self.name}" line {line} {what}'
            failure.context = f"{failure.context}\n{place}" if failure.context else place
