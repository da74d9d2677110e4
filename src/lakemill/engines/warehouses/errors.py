"""What can go wrong with warehouses.

WarehouseError
    StateWrong           a warehouse in this state cannot do that
    NotRunning           its process is not there, or does not start
    ProcessDied          its process ended before it had answered
    SqlFailed            its process answered with an error
    SnapshotMissing      no snapshot has this name
    SnapshotUnusable     a snapshot that is not finished, or has failed
    StatementMissing     no statement has this id
    StatementEnded       a statement that has ended cannot be cancelled
    StatementRunning     a statement has not ended, so that it has no result yet
    NoResult             a statement that has no result
    TooManyActive        more statements under way than a warehouse takes
    TokenTaken           the token of a request belongs to another one
    SessionMissing       no session has this id, or it is closed
    SessionBusy          a session runs one statement at a time
Refused                  a question of a process that is answered with an error (of `engines.queries`)
"""

from lakemill.engines.queries import Refused

__all__ = ["Refused"]


class WarehouseError(Exception):
    """Base. The text can be shown to the user."""


class StateWrong(WarehouseError):
    """Fields: name, state."""

    def __init__(self, name: str, state: str) -> None:
        super().__init__(f"{name} is in the state {state}")
        self.name, self.state = name, state


class NotRunning(WarehouseError):
    """A sentence says why."""


class ProcessDied(NotRunning):
    """A sentence says how."""


class SqlFailed(WarehouseError):
    """Field: code, the SQLSTATE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SnapshotMissing(WarehouseError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Snapshot {name} not found.")
        self.name = name


class SnapshotUnusable(WarehouseError):
    """Fields: name, state."""

    def __init__(self, name: str, state: str) -> None:
        super().__init__(f"The snapshot {name} is not available; its state is {state}.")
        self.name, self.state = name, state


class StatementMissing(WarehouseError):
    def __init__(self) -> None:
        super().__init__("Query does not exist.")


class StatementEnded(WarehouseError):
    """Fields: id, state."""

    def __init__(self, id: str, state: str) -> None:
        super().__init__(f"Could not cancel a query that is already in {state} state with ID: {id}")
        self.id, self.state = id, state


class StatementRunning(WarehouseError):
    def __init__(self, id: str) -> None:
        super().__init__(f"Query is not in FINISHED state with ID: {id}")


class NoResult(WarehouseError):
    def __init__(self, id: str) -> None:
        super().__init__(f"Query does not have result. Please check query status with DescribeStatement. ID: {id}")


class TooManyActive(WarehouseError):
    """Field: limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"Active statements exceeded the allowed quota ({limit}).")
        self.limit = limit


class TokenTaken(WarehouseError):
    def __init__(self) -> None:
        super().__init__("The ClientToken was used before, with other parameters.")


class SessionMissing(WarehouseError):
    """Field: id."""

    def __init__(self, id: str) -> None:
        super().__init__(f"Session {id} does not exist, or is closed.")
        self.id = id


class SessionBusy(WarehouseError):
    """Field: id."""

    def __init__(self, id: str) -> None:
        super().__init__(f"Session {id} is busy with another statement.")
        self.id = id
