"""Rows of a result, read by the block from where the page before ended.

csv    every field in double quotes, `""` for a quote within; nothing at all between two commas is null
txt    a line is a row of one field
"""

import re
from collections.abc import Callable

BLOCK_BYTES = 256 << 10
_FIELD = re.compile(rb'(?:"([^"]*(?:""[^"]*)*)"|([^",\n]*))(,|\r?\n)')
Row = list[str | None]
Read = Callable[[int, int], bytes]
"""The bytes from an offset on, so many at most."""


def page(read: Read, size: int, form: str, offset: int, limit: int) -> tuple[list[Row], int | None]:
    """Rows from a byte offset on, at most `limit`, and where the next begins; None at the end.

    Raises ValueError where there is no row.

    >>> text = b'"a","b"\\n"1",\\n"x ""y"" z",""\\n'
    >>> page(lambda start, length: text[start : start + length], len(text), "csv", 0, 2)
    ([['a', 'b'], ['1', None]], 13)
    >>> page(lambda start, length: text[start : start + length], len(text), "csv", 13, 2)
    ([['x "y" z', '']], None)
    """
    rows: list[Row] = []
    taken = _csv if form == "csv" else _lines
    length, begin = BLOCK_BYTES, offset
    while begin < size and len(rows) < limit:
        block = read(begin, length)
        whole = begin + len(block) >= size
        if whole and not block.endswith(b"\n"):
            block += b"\n"
        some, used = taken(block, limit - len(rows))
        if not some:
            if whole:
                raise ValueError(f"no row of a result begins at byte {begin}")
            length *= 2  # A row longer than the block.
            continue
        rows += some
        begin += used
    return rows, begin if begin < size else None


def _csv(block: bytes, limit: int) -> tuple[list[Row], int]:
    """Whole rows at the beginning of a block, and the bytes they take."""
    rows: list[Row] = []
    row: Row = []
    at = used = 0
    while len(rows) < limit and (found := _FIELD.match(block, at)):
        quoted, plain, end = found.groups()
        row.append(plain.decode() or None if quoted is None else quoted.replace(b'""', b'"').decode())
        at = found.end()
        if end != b",":
            rows.append(row)
            row, used = [], at
    return rows, used


def _lines(block: bytes, limit: int) -> tuple[list[Row], int]:
    lines = block.split(b"\n", limit)[:limit] if block.count(b"\n") >= limit else block.split(b"\n")[:-1]
    return [[line.decode()] for line in lines], sum(len(line) + 1 for line in lines)
