"""What can go wrong when a program is compiled."""


class SqlError(Exception):
    """The code cannot be compiled, or asks for something that this dialect does not have.

    Attributes: `message` (one sentence), `line` and `column` (both from 1; 0 where no place can be named).
    """

    def __init__(self, message: str, line: int = 0, column: int = 0):
        place = f"line {line}, column {column}: " if line else ""
        super().__init__(place + message)
        self.message = message
        self.line = line
        self.column = column
