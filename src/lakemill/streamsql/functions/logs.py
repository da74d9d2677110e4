"""Functions that take a line of a log apart. Their result is a row; its fields are named behind a dot: `t.r.COLUMN1`.

A line that does not have the expected form gives NULL.
"""

import re
from collections.abc import Callable, Sequence

import pyarrow as pa

from lakemill.streamsql import sqltypes
from lakemill.streamsql.casting import caster
from lakemill.streamsql.expr import Expr, call, text_argument
from lakemill.streamsql.frame import Values, full
from lakemill.streamsql.functions.registry import constant_argument, define
from lakemill.streamsql.patterns import java_regex
from lakemill.streamsql.sqltypes import SqlType

Split = Callable[[str], Sequence[str | None] | None]
_TEXT = SqlType(pa.string())

_W3C_FORMATS = {
    "COMMON": '%h %l %u %t "%r" %>s %b',
    "COMMON WITH VHOST": '%v %h %l %u %t "%r" %>s %b',
    "NCSA EXTENDED": '%h %l %u %t "%r" %>s %b "%[Referer]i" "%[User-agent]i"',
    "REFERER": "%[Referer]i ---> %U",
    "AGENT": "%[User-agent]i",
}
_W3C_SPECIFIER = re.compile(r"%(?:!?[\d,]*)[<>]?(?:[\[{]([^\]}]*)[\]}])?([a-zA-Z%])")
_COLUMN = re.compile(
    r'\s*("[^"]+"|\w+)(?:\s+(?:TYPE\s+)?([A-Za-z]+)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?)?(?:\s+NOT\s+NULL)?'
    r"(?:\s+START\s+(\d+)(?:\s+(?:FOR|LENGTH)\s+(\d+))?)?\s*",
    re.I,
)


def _row(value: Expr, function: str, columns: list[tuple[str, SqlType]], split: Split) -> Expr:
    """The expression that splits every line and converts the pieces to the columns' types."""
    kind = pa.struct([pa.field(name, column.arrow) for name, column in columns])
    casts = [caster(pa.string(), column) for _, column in columns]

    def kernel(lines: Values) -> Values:
        rows = 1 if isinstance(lines, pa.Scalar) else len(lines)
        pieces = [None if line is None else split(line) for line in full(lines, rows).to_pylist()]
        empty = (None,) * len(columns)
        by_column = list(zip(*[empty if p is None else p for p in pieces], strict=True)) or [()] * len(columns)
        arrays = []
        for texts, convert in zip(by_column, casts, strict=True):
            array = pa.array(texts, pa.string())
            arrays.append(array if convert is None else convert(array))
        mask = pa.array([p is None for p in pieces], pa.bool_())
        result = pa.StructArray.from_arrays(arrays, fields=list(kind), mask=mask)
        return result[0] if isinstance(lines, pa.Scalar) else result

    return call(kernel, kind, text_argument(value, function))


def _numbered(count: int) -> list[tuple[str, SqlType]]:
    return [(f"COLUMN{number}", _TEXT) for number in range(1, count + 1)]


def _described(text: str, function: str) -> list[tuple[str, SqlType, int | None, int | None]]:
    """Name, type, start and length of each column in a description."""
    columns = []
    for part in re.split(r",(?![^(]*\))", text):
        match = _COLUMN.fullmatch(part)
        if match is None:
            raise ValueError(f"{function} does not understand the column '{part.strip()}'")
        name, kind, first, second, start, length = match.groups()
        name = name[1:-1] if name.startswith('"') else name.upper()
        parameters = [int(p) for p in (first, second) if p]
        column = sqltypes.named(kind.upper(), parameters) if kind else _TEXT
        columns.append((name, column, int(start) if start else None, int(length) if length else None))
    return columns


@define("REGEX_LOG_PARSE", 2, 3)
def regex_log_parse(value: Expr, regex: Expr, columns: Expr | None = None) -> Expr:
    """One column for every group of the regular expression, which must match the whole line."""
    return _by_regex("REGEX_LOG_PARSE", value, regex, columns, whole=True)


@define("FAST_REGEX_LOG_PARSE", 2, 3)
@define("FAST_REGEX_LOG_PARSER", 2, 3)
def fast_regex_log_parser(value: Expr, regex: Expr, columns: Expr | None = None) -> Expr:
    """As REGEX_LOG_PARSE, but the first place where the expression matches is enough."""
    return _by_regex("FAST_REGEX_LOG_PARSER", value, regex, columns, whole=False)


def _by_regex(function: str, value: Expr, regex: Expr, columns: Expr | None, whole: bool) -> Expr:
    pattern = java_regex(str(constant_argument(regex, function, "The regular expression")))
    if not pattern.groups:
        raise ValueError(f"{function} needs a regular expression with groups")
    fields = _numbered(pattern.groups)
    if columns is not None:
        described = _described(str(constant_argument(columns, function, "The columns")), function)
        if len(described) != pattern.groups:
            raise ValueError(f"{function} has {pattern.groups} groups and {len(described)} columns")
        fields = [(name, kind) for name, kind, _, _ in described]
    find = pattern.fullmatch if whole else pattern.search

    def split(line: str) -> Sequence[str | None] | None:
        match = find(line)
        return None if match is None else match.groups()

    return _row(value, function, fields, split)


@define("W3C_LOG_PARSE", 2)
def w3c_log_parse(value: Expr, layout: Expr) -> Expr:
    """One column for every specifier of an Apache log format, or of one of its named formats."""
    text = str(constant_argument(layout, "W3C_LOG_PARSE", "The format"))
    text = _W3C_FORMATS.get(text.strip().upper(), text)
    if text.strip().upper() == "IIS":
        raise NotImplementedError("W3C_LOG_PARSE does not know IIS; write its format out")
    regex: list[str] = []
    fields: list[tuple[str, SqlType]] = []
    at = 0
    for match in _W3C_SPECIFIER.finditer(text):
        regex.append(re.escape(text[at : match.start()]))
        at = match.end()
        letter = match.group(2)
        if letter == "%":
            regex.append("%")
            continue
        quoted = text[match.start() - 1 : match.start()] == '"'
        regex.append(_w3c_piece(letter, quoted, at == len(text)))
        fields.append((f"COLUMN{len(fields) + 1}", SqlType(pa.int64()) if letter == "b" else _TEXT))
    if not fields:
        raise ValueError("W3C_LOG_PARSE needs a format with specifiers, like COMMON")
    pattern = re.compile("".join(regex) + re.escape(text[at:]))

    def split(line: str) -> Sequence[str | None] | None:
        found = pattern.fullmatch(line.rstrip("\r\n"))
        if found is None:
            return None
        return [
            "0" if piece == "-" and kind != _TEXT else piece
            for piece, (_, kind) in zip(found.groups(), fields, strict=True)
        ]

    return _row(value, "W3C_LOG_PARSE", fields, split)


def _w3c_piece(letter: str, quoted: bool, last: bool) -> str:
    if letter == "t":
        return r"\[([^\]]*)\]"
    if letter in "bBDIOkT":
        return r"(\d+|-)"
    if quoted:
        return r'((?:[^"\\]|\\.)*)'
    return r"(.*)" if last and letter in "ir" else r"(\S*)"


@define("VARIABLE_COLUMN_LOG_PARSE", 3, 5)
def variable_column_log_parse(
    value: Expr, columns: Expr, delimiter: Expr, escape: Expr | None = None, quote: Expr | None = None
) -> Expr:
    """Columns between delimiters: their number, or a description 'NAME TYPE type, ...'."""
    name = "VARIABLE_COLUMN_LOG_PARSE"
    described = constant_argument(columns, name, "The columns")
    if isinstance(described, int):
        fields = _numbered(described)
    else:
        fields = [(column, kind) for column, kind, _, _ in _described(str(described), name)]
    between = constant_argument(delimiter, name, "The delimiter")
    before = constant_argument(escape, name, "The escape character") if escape is not None else None
    quotes = constant_argument(quote, name, "The quote") if quote is not None else None
    if not between or (before and len(before) != 1) or (quotes and len(quotes) > 2):
        raise ValueError(f"{name} takes a delimiter, one escape character, and one or two quote characters")

    def split(line: str) -> Sequence[str | None]:
        pieces: list[str | None] = [*_delimited(line, between, before or None, quotes or None)]
        return [*pieces[: len(fields)], *[None] * (len(fields) - len(pieces))]

    return _row(value, name, fields, split)


def _delimited(line: str, delimiter: str, escape: str | None, quotes: str | None) -> list[str]:
    pieces, piece, at, inside = [], [], 0, False
    while at < len(line):
        char = line[at]
        if escape is not None and char == escape and at + 1 < len(line):
            at += 1
            piece.append(line[at])
        elif quotes is not None and char == (quotes[-1] if inside else quotes[0]):
            inside = not inside
        elif not inside and line.startswith(delimiter, at):
            pieces.append("".join(piece))
            piece = []
            at += len(delimiter) - 1
        else:
            piece.append(char)
        at += 1
    return [*pieces, "".join(piece)]


@define("FIXED_COLUMN_LOG_PARSE", 2)
def fixed_column_log_parse(value: Expr, columns: Expr) -> Expr:
    """Columns at fixed places: 'NAME TYPE type START n [FOR length], ...'; the first character is 0."""
    name = "FIXED_COLUMN_LOG_PARSE"
    described = _described(str(constant_argument(columns, name, "The columns")), name)
    spans, after = [], 0
    for index, (_, _, start, length) in enumerate(described):
        start = after if start is None else start
        following = described[index + 1][2] if index + 1 < len(described) else None
        end = start + length if length is not None else following
        spans.append((start, end))
        after = end if end is not None else start
    fields = [(column, kind) for column, kind, _, _ in described]

    def split(line: str) -> Sequence[str | None]:
        return [line[start:end].rstrip() if start < len(line) else None for start, end in spans]

    return _row(value, name, fields, split)
