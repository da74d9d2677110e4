"""Text with delimiters, as LazySimpleSerDe and OpenCSVSerde read it: every field as text, by the block.

The number of fields is that of a file's first line; a table's columns that are beyond it are null, fields beyond the
table's columns are passed over. Lines with another number of fields are split one by one.
"""

import csv
import dataclasses
import io
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import packed
from lakemill.lakesql.scans.objects import File

NULL_MARK = "\x1a\x10N"
"""What stands for a null while backslashes are taken away, so that it differs from a text `N`."""


@dataclasses.dataclass(frozen=True)
class Delimited:
    """delimiter, quote, escape: one character each, or empty. skipped: lines at the beginning of every file."""

    delimiter: str
    quote: str = ""
    escape: str = ""
    skipped: int = 0
    escaped_null: str = ""
    """A null's text that begins with the escape character."""

    def batches(self, file: File, places: Sequence[int]) -> Iterator[list[pa.Array]]:
        """The fields at these places, as arrays of text; raises SqlFailed."""
        width = self._width(file)
        if width is None:
            return
        ragged: list[str] = []

        def odd(row: Any) -> str:
            ragged.append(row.text)
            return "skip"

        wanted = [place for place in dict.fromkeys(places) if place < width] or [0]
        with packed.opened(file) as source:
            try:
                for batch in self._reader(source, width, wanted, odd):
                    yield self._arrays(batch, places, width, ragged)
                    ragged.clear()
            except (pa.ArrowInvalid, OSError, EOFError) as wrong:
                raise packed.damaged(file, wrong) from None
        if ragged:
            yield self._split(ragged, places)

    def line_of(self, file: File, place: int, value: str) -> int | None:
        """The line on which the first record ends whose field at a place has this value."""
        with packed.opened(file) as source:
            lines = (piece.decode("utf-8", "replace") for piece in io.BufferedReader(_Readable(source)))
            for _ in range(self.skipped):
                next(lines, None)
            rows: Any = self._rows(lines)
            for row in rows:
                if place < len(row) and row[place] == value:
                    return self.skipped + int(rows.line_num)
        return None

    def _reader(self, source: BinaryIO, width: int, wanted: Sequence[int], odd: Any) -> Any:
        names = [f"c{place}" for place in range(width)]
        stream: Any = _NullMarking(source, self.escaped_null) if self.escaped_null else source
        return pa.csv.open_csv(
            pa.PythonFile(stream, "r"),
            pa.csv.ReadOptions(
                use_threads=True, block_size=packed.BLOCK_BYTES, skip_rows=self.skipped, column_names=names
            ),
            pa.csv.ParseOptions(
                delimiter=self.delimiter,
                quote_char=self.quote or False,
                double_quote=bool(self.quote),
                escape_char=self.escape or False,
                newlines_in_values=bool(self.quote),
                ignore_empty_lines=False,
                invalid_row_handler=odd,
            ),
            pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.binary()),
                include_columns=[names[place] for place in wanted],
                strings_can_be_null=False,
                null_values=[],
            ),
        )

    def _width(self, file: File) -> int | None:
        """How many fields the first line has; None if there is none."""
        with packed.opened(file) as source:
            head = packed.read(file, source, 1 << 20)
        lines = io.StringIO(head.decode("utf-8", "replace"), newline=None)
        for _ in range(self.skipped):
            if not lines.readline():
                return None
        first = next(self._rows(lines), None)
        if first is None:
            return None
        return max(1, len(first))

    def _rows(self, lines: Any) -> Iterator[list[str]]:
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape or None,
            doublequote=bool(self.quote),
        )

    def _arrays(self, batch: pa.RecordBatch, places: Sequence[int], width: int, ragged: list[str]) -> list[pa.Array]:
        nulls = pa.nulls(batch.num_rows, pa.string())
        found = [_texts(batch.column(f"c{place}")) if place < width else nulls for place in places]
        if not ragged:
            return found
        rest = self._split(ragged, places)
        return [pa.concat_arrays([one, other]) for one, other in zip(found, rest, strict=True)]

    def _split(self, lines: list[str], places: Sequence[int]) -> list[pa.Array]:
        csv.field_size_limit(1 << 30)
        rows = [next(self._rows([line]), []) for line in lines]
        return [
            pa.array([row[place] if place < len(row) else None for row in rows], pa.string()) for place in places
        ]  # fmt: skip


class _Readable(io.RawIOBase):
    """Any stream as Python's buffers want it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._source.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class _NullMarking:
    """A stream in which nulls are marked before escape characters are taken away."""

    def __init__(self, source: BinaryIO, null: str) -> None:
        self._source, self._null, self._rest = source, null.encode(), b""
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        piece = self._rest + self._source.read(size)
        if not piece:
            return b""
        escape = self._null[:1]
        cut = len(piece)
        if piece != self._rest and (len(piece) - len(piece.rstrip(escape))) % 2:
            cut -= 1  # The character that it escapes is still to come.
        self._rest = piece[cut:]
        parts = piece[:cut].split(escape * 2)
        marked = [part.replace(self._null, NULL_MARK.encode()) for part in parts]
        return (escape * 2).join(marked)

    def close(self) -> None:
        self.closed = True


def _texts(array: pa.Array) -> pa.Array:
    try:
        return array.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([one.decode("utf-8", "replace") for one in array.to_pylist()], pa.string())


def one_character(value: str, what: str) -> str:
    """A delimiter as Hive reads it: a character, or the number of a byte. Raises SqlFailed.

    >>> one_character("9", "field.delim"), one_character("|", "field.delim")
    ('\\t', '|')
    """
    if value.lstrip("-").isdecimal() and value.isascii() and -128 <= int(value) <= 127:
        return chr(int(value) % 256)
    if len(value) != 1 or not value.isascii():
        raise SqlFailed("NOT_SUPPORTED", f"{what} must be one ASCII character; got {value!r}")
    return value
