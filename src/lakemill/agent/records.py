"""Where records begin and end in what a file holds."""

import re


class Splitter:
    """Cuts bytes into records: lines, or groups of lines that begin with one that matches `start`.

    Every record keeps its newline. What may still grow stays behind: a line without its newline, and with `start` the
    last record, whose end is known only when the next one begins (or `flush` says that nothing came for a while).
    """

    def __init__(self, start: re.Pattern[bytes] | None = None) -> None:
        self._start = start

    def split(self, data: bytes, *, flush: bool = False) -> list[bytes]:
        """The whole records at the beginning of data; together they are a prefix of it.

        >>> Splitter().split(b"a\\nb\\nc")
        [b'a\\n', b'b\\n']
        >>> Splitter(re.compile(b"[0-9]")).split(b"1 a\\n more\\n2 b\\n")
        [b'1 a\\n more\\n']
        """
        lines = _lines(data)
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()
        if self._start is None:
            return lines
        records: list[bytes] = []
        group: list[bytes] = []
        for line in lines:
            if group and self._start.match(line):
                records.append(b"".join(group))
                group = []
            group.append(line)
        if group and flush:
            records.append(b"".join(group))
        return records


def _lines(data: bytes) -> list[bytes]:
    """Lines end at a newline only, not at a carriage return."""
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def fitted(record: bytes, limit: int, terminator: bytes) -> bytes:
    """The record, cut off and given the terminator if it is longer than limit bytes.

    >>> fitted(b"abcdef", 4, b"!")
    b'abc!'
    """
    return record if len(record) <= limit else record[: limit - len(terminator)] + terminator
