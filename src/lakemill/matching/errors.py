"""What can be wrong with what a caller hands in.

MatchingError        a ValueError: a table, a parameter or labels that do not fit
    LabelError       labels; `line` is the line of the file, where there is one
    ArtifactError    a file that is no fitted matcher
    NotFittedError   a matcher is used before it was fitted
"""


class MatchingError(ValueError):
    """A table, a parameter or labels that do not fit."""


class LabelError(MatchingError):
    """Labels that cannot be used. line: where in the file, counted from 1; None: not in one line."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message if line is None else f"line {line}: {message}")
        self.line = line


class ArtifactError(MatchingError):
    """A file that is no fitted matcher, or one of another version."""


class NotFittedError(MatchingError):
    """A matcher that is used before it was fitted."""
