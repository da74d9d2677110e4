"""What can go wrong with functions.

FunctionError
    FunctionMissing      no function (or version, or alias) has this name
    FunctionExists       one has it already
    FunctionConflict     it was changed since the caller looked, or is what others hang on
    CodeInvalid          the archive is no archive, or is too large
    FunctionUnavailable  its worker cannot be started: the runtime says why
    FunctionThrottled    all workers it may have are busy
    FunctionFailed       the code raised, or its process died
    FunctionTimeout      it took longer than it may
"""


class FunctionError(Exception):
    """Base of all."""


class FunctionMissing(FunctionError):
    """Fields: name, qualifier (a version or alias, or None)."""

    def __init__(self, name: str, qualifier: str | None = None) -> None:
        which = f"{name}:{qualifier}" if qualifier else name
        super().__init__(f"no function is named {which!r}")
        self.name, self.qualifier = name, qualifier


class FunctionExists(FunctionError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"a function named {name!r} is there already")
        self.name = name


class FunctionConflict(FunctionError):
    """The text says what stands against it."""


class CodeInvalid(FunctionError):
    """The text says what is wrong with the archive."""


class FunctionUnavailable(FunctionError):
    """The text says what its worker lacks."""


class FunctionThrottled(FunctionError):
    """Field: name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"all workers that the function {name!r} may have are busy")
        self.name = name


class FunctionFailed(FunctionError):
    """Fields: type (of the exception, or how the process ended), message, document (the runtime's answer, JSON)."""

    def __init__(self, type: str, message: str, document: bytes = b"") -> None:
        super().__init__(f"{type}: {message}" if type else message)
        self.type, self.message, self.document = type, message, document


class FunctionTimeout(FunctionError):
    """Fields: name, seconds."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"the function {name!r} did not answer within {seconds:.2f} seconds")
        self.name, self.seconds = name, seconds
