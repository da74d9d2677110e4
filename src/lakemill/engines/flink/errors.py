"""What can go wrong with programs that run in Flink.

FlinkError
    FlinkMissing     this machine has no environment for the version of Flink; the text holds the command that makes one
    SnapshotFailed   Flink could not save the program's state; the text says why
"""


class FlinkError(Exception):
    """Base of all."""


class FlinkMissing(FlinkError):
    """The text says what is missing, and the command that brings it."""


class SnapshotFailed(FlinkError):
    """The text says why."""
