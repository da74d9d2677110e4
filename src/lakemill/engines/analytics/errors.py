"""What can go wrong with applications of streaming SQL.

AnalyticsError
    CodeInvalid          the code does not compile; or an input's or table's columns cannot be
    SchemaUndetected     no schema fits the records of a sample
    ApplicationBusy      its state does not allow it
    StaleVersion         it was changed since the caller looked
    PartMissing          it has no input, output ... of this id
    SnapshotMissing      it has no snapshot of this name, or none that is whole
    Unreachable          a source or destination cannot be used now: the text says why
    WorkerFailed         its process ended, or says it cannot go on
"""


class AnalyticsError(Exception):
    """Base of all."""


class CodeInvalid(AnalyticsError):
    """Fields: message, line and column (from 1; 0 where no place can be named)."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"line {line}, column {column}: {message}" if line else message)
        self.message, self.line, self.column = message, line, column


class SchemaUndetected(AnalyticsError):
    """The text says why."""


class ApplicationBusy(AnalyticsError):
    """Fields: name, status."""

    def __init__(self, name: str, status: str) -> None:
        super().__init__(f"application {name} is {status}")
        self.name, self.status = name, status


class StaleVersion(AnalyticsError):
    """Fields: given, current."""

    def __init__(self, given: int, current: int) -> None:
        super().__init__(f"the current version is {current}, not {given}")
        self.given, self.current = given, current


class PartMissing(AnalyticsError):
    """Fields: part (what it is called in the document), id."""

    def __init__(self, part: str, id: str) -> None:
        super().__init__(f"there is none of the id {id} among the {part}")
        self.part, self.id = part, id


class SnapshotMissing(AnalyticsError):
    """Fields: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no snapshot {name}")
        self.name = name


class Unreachable(AnalyticsError):
    """The text says what, and why."""


class WorkerFailed(AnalyticsError):
    """The text says how."""
