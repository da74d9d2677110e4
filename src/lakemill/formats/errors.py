"""What can be wrong with bytes that should be records.

FormatError
    the bytes are not what their content type says; the message names the place (record, line, column).
UnsupportedType(FormatError)
    no format of that content type is known here.
"""


class FormatError(ValueError):
    """Malformed data. The text can be shown to the user as it is.

    record, line and column count from 1, offset counts bytes from 0; each is None where it does not apply.
    file is the name of the file, where the data came from one.
    """

    def __init__(
        self,
        message: str,
        *,
        record: int | None = None,
        line: int | None = None,
        column: int | None = None,
        offset: int | None = None,
        file: str | None = None,
    ) -> None:
        super().__init__(f"{file}: {message}" if file else message)
        self.message = message
        self.record = record
        self.line = line
        self.column = column
        self.offset = offset
        self.file = file

    def within(self, file: str) -> "FormatError":
        """The same error, saying which file it is in."""
        return type(self)(
            self.message, record=self.record, line=self.line, column=self.column, offset=self.offset, file=file
        )


class UnsupportedType(FormatError):
    """A content type without a decoder, or one of its parameters that has no meaning here."""
