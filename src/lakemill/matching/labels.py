"""Labels: which records match, said in sets; and the CSV file that holds them.

Rows of one labeling set with the same label match, with different labels do not; rows of different sets say nothing
about each other, and neither does a row without a label. The file is UTF-8; its first columns are labeling_set_id and
label, then come all columns of the source.
"""

import csv
import dataclasses
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemill.matching.errors import LabelError
from lakemill.matching.tables import as_table, as_text

SET, LABEL = "labeling_set_id", "label"
ROWS_MIN, ROWS_MAX = 2, 30
"""Rows of one labeling set."""


@dataclasses.dataclass(frozen=True)
class Labels:
    """P labelled pairs of records, by their primary keys."""

    left: pa.StringArray
    right: pa.StringArray
    match: np.ndarray
    """(P,) bool"""
    groups: np.ndarray
    """(P,) int64: pairs of one group come from one labeling set, or each is a group of its own."""
    rows: pa.Table | None = None
    """The records, where they came with the labels."""

    def __len__(self) -> int:
        return len(self.match)

    @classmethod
    def of_pairs(cls, left: Iterable[Any], right: Iterable[Any], match: Iterable[bool]) -> "Labels":
        """Of pairs: primary keys, and whether they match.

        >>> len(Labels.of_pairs(["a", "b"], ["c", "d"], [True, False]))
        2
        """
        a, b = as_text(pa.array(left)), as_text(pa.array(right))
        found = np.array(list(match), bool)
        if not len(a) == len(b) == len(found):
            raise LabelError(
                f"Pairs need as many left keys as right ones and labels; got {len(a)}, {len(b)}, {len(found)}"
            )
        return cls(a, b, found, np.arange(len(found)))

    @classmethod
    def of_sets(cls, table: Any, primary_key: str, first_line: int | None = None) -> "Labels":
        """Of a table with the columns labeling_set_id, label, the primary key, and perhaps others.

        first_line: the line of a file in which the first row stands, to name lines in errors.

        >>> sets = {"labeling_set_id": [1, 1, 1], "label": ["A", "A", "B"], "id": [7, 8, 9]}
        >>> Labels.of_sets(sets, "id").match.tolist()
        [True, False, False]
        """
        rows = as_table(table)
        for name in (SET, LABEL, primary_key):
            if name not in rows.column_names:
                raise LabelError(f"The column {name} is missing; there are {', '.join(rows.column_names)}")
        sets, labels, keys = (as_text(rows.column(name)).to_pylist() for name in (SET, LABEL, primary_key))
        _check(
            sets,
            labels,
            keys,
            primary_key,
            [None if first_line is None else first_line + at for at in range(len(keys))],
        )
        left, right, match, groups = _pairs(sets, labels, keys)
        made = pa.array([keys[at] for at in left], pa.string()), pa.array([keys[at] for at in right], pa.string())
        return cls(*made, np.array(match, bool), np.array(groups, np.int64), rows.drop_columns([SET, LABEL]))


def _check(
    sets: Sequence[Any], labels: Sequence[Any], keys: Sequence[Any], primary_key: str, lines: Sequence[Any]
) -> None:
    sizes: dict[str, int] = {}
    seen: dict[tuple[str, str], Any] = {}
    for of, label, key, line in zip(sets, labels, keys, lines, strict=True):
        if not of:
            raise LabelError(f"{SET} is empty", line)
        if not key:
            raise LabelError(f"The primary key {primary_key} is empty", line)
        sizes[of] = sizes.get(of, 0) + 1
        if sizes[of] > ROWS_MAX:
            raise LabelError(f"The labeling set {of} has more than {ROWS_MAX} rows", line)
        if (of, key) in seen and seen[of, key] != label:
            raise LabelError(f"The record {key} has two labels in the labeling set {of}", line)
        seen[of, key] = label
    for of, size in sizes.items():
        if size < ROWS_MIN:
            raise LabelError(f"The labeling set {of} has one row; {ROWS_MIN} are the least", lines[sets.index(of)])


def _pairs(sets: Sequence[str], labels: Sequence[str], keys: Sequence[str]) -> tuple[list, list, list, list]:
    members: dict[str, dict[str, int]] = {}
    for at, (of, label, key) in enumerate(zip(sets, labels, keys, strict=True)):
        if label:
            members.setdefault(of, {}).setdefault(key, at)
    left, right, match, groups = [], [], [], []
    for number, rows in enumerate(members.values()):
        places = list(rows.values())
        for i, a in enumerate(places):
            for b in places[i + 1 :]:
                left.append(a)
                right.append(b)
                match.append(labels[a] == labels[b])
                groups.append(number)
    return left, right, match, groups


def read(source: str | Path | bytes, primary_key: str, columns: Sequence[str] | None = None) -> Labels:
    """Labels of a CSV file; columns: those of the source, which have to be there after the first two.

    Raises LabelError, naming the line, for text that is not UTF-8, other columns, a row with more or fewer fields, an
    empty set id or key, a set of fewer than 2 or more than 30 rows, and a record with two labels in one set.
    """
    return Labels.of_sets(read_rows(source, primary_key, columns), primary_key)


def read_rows(source: str | Path | bytes, primary_key: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of such a file as texts, None for what is empty. Raises LabelError as `read`."""
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabelError("The file is not UTF-8", data[: error.start].count(b"\n") + 1) from None
    if "\0" in text:
        raise LabelError("A NUL character is in the file", text[: text.index("\0")].count("\n") + 1)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, lines, begun = [], [], 1
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(begun)
            begun = reader.line_num + 1
    except csv.Error as error:
        raise LabelError(f"The file is no CSV: {error}", begun) from None
    if not rows:
        raise LabelError("The file is empty; its first line must name the columns", 1)
    header = rows[0]
    _check_header(header, primary_key, columns)
    for row, line in zip(rows[1:], lines[1:], strict=True):
        if len(row) != len(header):
            raise LabelError(f"{len(row)} fields; the first line has {len(header)}", line)
    if len(rows) == 1:
        raise LabelError("There are no rows after the names of the columns", 1)
    by_column = list(zip(*rows[1:], strict=True))
    at = header.index(primary_key)
    _check(by_column[0], by_column[1], by_column[at], primary_key, lines[1:])
    return pa.table([pa.array([value or None for value in column], pa.string()) for column in by_column], names=header)


def merged(rows: pa.Table, more: pa.Table) -> pa.Table:
    """Rows of labeling sets and more of them, as texts; a set that is in both is taken from the latter.

    >>> old = {"labeling_set_id": ["1", "1", "2", "2"], "label": ["A", "A", "A", "B"], "id": ["7", "8", "5", "6"]}
    >>> new = {"labeling_set_id": ["2", "2"], "label": ["A", "A"], "id": ["5", "6"]}
    >>> merged(pa.table(old), pa.table(new)).column("label").to_pylist()
    ['A', 'A', 'A', 'A']
    """
    kept = rows.filter(pc.invert(pc.is_in(rows.column(SET), value_set=more.column(SET).combine_chunks())))
    return pa.concat_tables([kept, more], promote_options="default")


def _check_header(header: list[str], primary_key: str, columns: Sequence[str] | None) -> None:
    if header[:2] != [SET, LABEL]:
        raise LabelError(f"The first columns must be {SET},{LABEL}; got {','.join(header[:2])}", 1)
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise LabelError(f"The column {twice} is there more than once", 1)
    if columns is not None:
        if absent := [name for name in columns if name not in header]:
            raise LabelError(f"Columns of the source are missing: {', '.join(absent)}", 1)
        if foreign := [name for name in header[2:] if name not in columns]:
            raise LabelError(f"Columns that the source does not have: {', '.join(foreign)}", 1)
    if primary_key not in header:
        raise LabelError(f"The primary key {primary_key} is missing", 1)


def write(table: Any, target: str | Path | None = None) -> bytes:
    """A table that begins with labeling_set_id and label as the CSV file to be filled in; missing values are empty.

    >>> write({"labeling_set_id": ["1", "1"], "label": [None, None], "id": [7, 8]})
    b'labeling_set_id,label,id\\n1,,7\\n1,,8\\n'
    """
    rows = as_table(table)
    if rows.column_names[:2] != [SET, LABEL]:
        raise LabelError(f"The first columns must be {SET},{LABEL}; got {','.join(rows.column_names[:2])}")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows.column_names)
    writer.writerows(zip(*(as_text(column).to_pylist() for column in rows.columns), strict=True))
    data = out.getvalue().encode("utf-8")
    if target is not None:
        Path(target).write_bytes(data)
    return data
