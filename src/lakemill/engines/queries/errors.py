"""What can go wrong with statements.

QueriesError
    ExecutionMissing    no execution has this id
    StatementRefused    a statement that cannot be read
    TokenTaken          the token of a request belongs to another one
    TooManyWaiting      the account's queue is full
ProcessDied             the process of a statement ended before its statement did
Refused                 a question of a statement that is answered with an error
"""


class QueriesError(Exception):
    """Base. The text can be shown to the user."""


class ExecutionMissing(QueriesError):
    """Field: id."""

    def __init__(self, id: str) -> None:
        super().__init__(f"QueryExecution {id} was not found")
        self.id = id


class StatementRefused(QueriesError):
    """The text says where and why."""


class TokenTaken(QueriesError):
    def __init__(self) -> None:
        super().__init__("Idempotent parameters do not match")


class TooManyWaiting(QueriesError):
    """Field: limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"You have exceeded the limit for the number of queries you can run concurrently: {limit}.")
        self.limit = limit


class ProcessDied(Exception):
    """A sentence says how."""


class Refused(Exception):
    """Fields: code, message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message
