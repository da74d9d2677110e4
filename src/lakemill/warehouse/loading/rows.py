"""Lines of text taken apart one by one, so that each row's place and what is wrong with it is known.

This is the precise way, which only files go that the quick way fails on, or that it cannot read.
"""

import csv
import dataclasses
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

from lakemill.warehouse.loading.sources import ROW_BYTES_MAX
from lakemill.warehouse.loading.statement import Copy

MANY = 16384
"""Rows that are worked on together."""
_QUOTING = (1216, "Invalid quote formatting for CSV")
_NO_END = (1214, "Delimited value missing end quote")
_FEW, _MORE = (1214, "Delimiter not found"), (1202, "Extra column(s) found")
_INSTEAD = "\ue000"
_csv_reader: Callable[..., Any] = csv.reader


@dataclasses.dataclass
class Row:
    """A row as it stands in its file.

    line : int
        From 1: of the first of its lines.
    problem : (int, str) or None
        Code and reason, where it cannot be taken apart.
    there : int
        How many fields it has itself, where FILLRECORD adds some.
    """

    line: int
    raw: str
    fields: list[str | None]
    problem: tuple[int, str] | None = None
    there: int = 0


def rows(path: str, copy: Copy, width: int) -> Iterator[Row]:
    """The rows of a local file of UTF-8, with so many fields each. Nothing raises but what the disk does."""
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        for _ in range(copy.header_lines):
            file.readline()
        lines = _Lines(file, copy.header_lines)
        split = _csv if copy.format == "CSV" else _fixed if copy.format == "FIXEDWIDTH" else _text
        for row in split(lines, copy):
            if _is_blank(row) and ("IGNOREBLANKLINES" in copy.given):
                continue
            yield _checked(row, copy, width)


class _Lines:
    """Lines, with those that were taken since the last row. number: of the last one."""

    def __init__(self, file: Iterator[str], number: int) -> None:
        self._file, self.number = file, number
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._file)
        self.number += 1
        self.taken.append(line)
        return line

    def begun(self) -> tuple[int, str]:
        """Number of the first line of a row, and the text of all its lines."""
        first, raw = self.number - len(self.taken) + 1, "".join(self.taken)
        self.taken.clear()
        return first, _without_end(raw)


def _without_end(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


def _is_blank(row: Row) -> bool:
    return not row.raw


def _checked(row: Row, copy: Copy, width: int) -> Row:
    if row.problem is None and not row.raw.isascii():
        try:
            row.raw.encode()
        except UnicodeEncodeError as wrong:
            sign = row.raw[wrong.start : wrong.start + 1].encode("utf-8", "surrogateescape").hex()
            said = f"String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: {sign} (error 3)"
            row.problem = (1220, said)
            row.raw = row.raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if row.problem is None and len(row.raw) > ROW_BYTES_MAX // 4 and len(row.raw.encode()) > ROW_BYTES_MAX:
        row.problem = (1204, "Input row size exceeds the maximum of 4194304 bytes")
    if row.problem is None:
        _fit(row, copy, width)
    if row.problem is not None:
        row.fields = [None] * width
    return row


def _fit(row: Row, copy: Copy, width: int) -> None:
    fields = row.fields
    if len(fields) == width + 1 and not fields[-1]:
        fields.pop()  # A delimiter at the end of the line.
    row.there = len(fields)
    if len(fields) > width:
        row.problem = _MORE
    elif len(fields) < width and "FILLRECORD" in copy.given:
        fields += [None] * (width - len(fields))
    elif len(fields) < width:
        row.problem = _FEW


def _null(value: str, copy: Copy) -> str | None:
    return None if value == copy.null else value


def _csv(lines: _Lines, copy: Copy) -> Iterator[Row]:
    csv.field_size_limit(1 << 30)
    delimiter = copy.delimiter if len(copy.delimiter) == 1 else _INSTEAD
    source: Any = lines
    if delimiter != copy.delimiter:
        source = (line.replace(copy.delimiter, delimiter) for line in lines)
    reader = _csv_reader(source, delimiter=delimiter, quotechar=copy.quote, doublequote=True, strict=True)
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as wrong:
            line, raw = lines.begun()
            yield Row(line, raw, [], _NO_END if "end of data" in str(wrong) else _QUOTING)
            continue
        line, raw = lines.begun()
        yield Row(line, raw, [_null(one, copy) for one in fields or [""]])


def _fixed(lines: _Lines, copy: Copy) -> Iterator[Row]:
    bounds = [0]
    for _, width in copy.widths:
        bounds.append(bounds[-1] + width)
    for _ in lines:
        line, raw = lines.begun()
        fields = [raw[start:end] for start, end in itertools.pairwise(bounds)]
        yield Row(line, raw, [_null(one, copy) for one in fields])


def _text(lines: _Lines, copy: Copy) -> Iterator[Row]:
    escaping = "ESCAPE" in copy.given
    split = _unquoted(copy) if "REMOVEQUOTES" in copy.given else _escaped(copy) if escaping else None
    for line in lines:
        if escaping and _goes_on(line):
            continue
        yield _text_row(lines, copy, split)
    if lines.taken:
        yield _text_row(lines, copy, split)


def _text_row(lines: _Lines, copy: Copy, split: "Callable[[str], list[str | None] | None] | None") -> Row:
    number, raw = lines.begun()
    if split is None:
        return Row(number, raw, [_null(one, copy) for one in raw.split(copy.delimiter)])
    fields = split(raw)
    return Row(number, raw, [], _NO_END) if fields is None else Row(number, raw, fields)


def _goes_on(line: str) -> bool:
    body = line.removesuffix("\n")
    return body != line and (len(body) - len(body.rstrip("\\"))) % 2 == 1


def _escaped(copy: Copy) -> Callable[[str], list[str | None]]:
    field = re.compile(rf"((?:\\.|(?!{re.escape(copy.delimiter)}).)*)({re.escape(copy.delimiter)}|$)", re.S)

    def split(raw: str) -> list[str | None]:
        found: list[str | None] = []
        at = 0
        while match := field.match(raw, at):
            found.append(_unescaped(match[1], copy))
            if not match[2]:
                break
            at = match.end()
        return found

    return split


def _unescaped(text: str, copy: Copy) -> str | None:
    return None if text == copy.null else re.sub(r"\\(.)", r"\1", text, flags=re.S)


def _unquoted(copy: Copy) -> Callable[[str], list[str | None] | None]:
    delimiter, escaping = re.escape(copy.delimiter), "ESCAPE" in copy.given
    sign = r"\\.|." if escaping else "."
    end = rf"({delimiter}|$)"
    plain = re.compile(rf"((?:\\.|(?!{delimiter}).)*){end}" if escaping else rf"((?:(?!{delimiter}).)*){end}", re.S)
    quoted = {quote: re.compile(rf"{quote}((?:{sign})*?){quote}{end}", re.S) for quote in "'\""}

    def split(raw: str) -> list[str | None] | None:
        found: list[str | None] = []
        at = 0
        while True:
            match = quoted.get(raw[at : at + 1], plain).match(raw, at)
            if match is None:
                return None
            found.append(_unescaped(match[1], copy) if escaping else _null(match[1], copy))
            if not match[2]:
                return found
            at = match.end()

    return split
