"""What can go wrong with programs that run in Flink.

FlinkError
    FlinkMissing     this machine has no environment for the version of Flink; the text holds the command that makes one
    SnapshotFailed   Flink could not save the program's state; the text says why
"""


class FlinkError(Exception):
    """Base of all."""


class FlinkMissing(FlinkError):
    """Fields: what is missing (a sentence without its full stop), command (that brings it)."""

    def __init__(self, what: str, command: str) -> None:
        super().__init__(f"{what}. To install it: {command}")
        self.what, self.command = what, command


class SnapshotFailed(FlinkError):
    """The text says why."""
