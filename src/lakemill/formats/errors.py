"""What can be wrong with bytes that should be records.

FormatError
    the bytes are not what their content type says; the message names the place (record, line, column).
"""


class FormatError(ValueError):
    """Malformed data. The text can be shown to the user as it is."""
