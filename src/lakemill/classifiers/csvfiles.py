"""CSV: built in by trying delimiters, or as a custom classifier says.

The built-in rules: one of the delimiters comma, pipe, tab, semicolon, Ctrl-A gives at least two columns and two rows.
The first row is a header if all its cells are texts, all but the last have less than 150 characters and are legal names
of columns, and at least one row below has a cell that is no text. Without a header, columns are `col0`, `col1`, ...
"""

import csv
import itertools
import re
from collections.abc import Sequence
from typing import Any

from lakemill.classifiers.findings import Finding
from lakemill.classifiers.samples import Sample
from lakemill.classifiers.values import type_of_text, type_of_texts

DELIMITERS = (",", "|", "\t", ";", "\x01")
LAZY, OPEN = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "org.apache.hadoop.hive.serde2.OpenCSVSerde"
ROWS_MAX = 5000
NAME_MAX = 150
RAGGED_MAX = 0.1
"""So many of the rows may have another number of cells."""
DATATYPES = ("binary", "boolean", "date", "decimal", "double", "float", "int", "long", "short", "string", "timestamp")
_HIVE_NAMES = {"long": "bigint", "short": "smallint", "decimal": "decimal(38,18)"}
_NAME = re.compile(r"[^\x00-\x1f,;|{}()=\"]+\Z")
Rows = list[list[str]]


def built_in(sample: Sample) -> Finding | None:
    """By the rules above."""
    if not sample.lines:
        return None
    best: tuple[int, str, Rows] | None = None
    for delimiter in DELIMITERS:
        if delimiter not in sample.lines[0]:
            continue
        rows = _even(_rows(sample, delimiter, '"'))
        if rows and (best is None or len(rows[0]) > best[0]):
            best = len(rows[0]), delimiter, rows
    if best is None:
        return None
    _, delimiter, rows = best
    header = _is_header(rows)
    if len(rows) < (3 if header else 2):
        return None
    names = _named(rows[0]) if header else [f"col{number}" for number in range(len(rows[0]))]
    types = _types(rows[1:] if header else rows, len(names))
    if header and not rows[0][-1].strip() and not any(row[-1].strip() for row in rows):
        names, types = names[:-1], types[:-1]  # Every row ends with a delimiter.
    finding = _finding(sample, list(zip(names, types, strict=True)), delimiter, rows, header=header)
    finding.serde_parameters = {"field.delim": delimiter}
    return finding


def custom(sample: Sample, definition: dict[str, Any]) -> Finding | None:
    """As the classifier says: delimiter, quote, header, names and types."""
    delimiter, quote = definition.get("delimiter", ","), definition.get("quote_symbol", '"')
    rows = _even(_rows(sample, delimiter, quote, trim=not definition.get("disable_value_trimming")), single=True)
    if not rows or (len(rows[0]) < 2 and not definition.get("allow_single_column")):
        return None
    given = definition.get("header") or []
    if given and len(given) != len(rows[0]):
        return None
    option = definition.get("contains_header", "UNKNOWN")
    header = option == "PRESENT" or (option == "UNKNOWN" and (_is_header(rows) or (bool(given) and rows[0] == given)))
    data = rows[1:] if header else rows
    if not data:
        return None
    names = _named(given or rows[0]) if given or header else [f"col{number}" for number in range(len(rows[0]))]
    types = _custom_types(definition, data, len(names))
    if types is None:
        return None
    finding = _finding(sample, list(zip(names, types, strict=True)), delimiter, rows, header=header)
    _choose_serde(finding, definition, delimiter, quote)
    return finding


def _choose_serde(finding: Finding, definition: dict[str, Any], delimiter: str, quote: str) -> None:
    """The SerDe the classifier names; without one, that which knows quotes if the classifier says which they are."""
    wanted, quoted = definition.get("serde"), "quote_symbol" in definition
    if wanted == "OpenCSVSerDe" or (wanted is None and quoted):
        finding.serde = OPEN
        finding.serde_parameters = {"separatorChar": delimiter, "quoteChar": quote, "escapeChar": "\\"}
        finding.parameters["areColumnsQuoted"] = "true"
    elif wanted == "None":
        finding.serde, finding.serde_parameters = "", {}
    else:
        finding.serde_parameters = {"field.delim": delimiter}


def problem_of(definition: dict[str, Any]) -> str:
    """What is wrong with a classifier's settings; "" for nothing."""
    delimiter, quote = definition.get("delimiter", ","), definition.get("quote_symbol", '"')
    header = [name.strip().lower() for name in definition.get("header") or []]
    datatypes = definition.get("custom_datatypes") or []
    if delimiter == quote:
        return "QuoteSymbol must differ from Delimiter."
    if len(set(header)) < len(header) or "" in header:
        return "Header must hold names that differ."
    unknown = [one for one in datatypes if one.lower() not in DATATYPES]
    if unknown:
        return f"CustomDatatypes {', '.join(unknown)} are none of {', '.join(DATATYPES)}."
    if definition.get("custom_datatype_configured") and not datatypes:
        return "CustomDatatypes must be given where CustomDatatypeConfigured is true."
    if header and datatypes and len(header) != len(datatypes):
        return "CustomDatatypes and Header must be of the same length."
    return ""


def _custom_types(definition: dict[str, Any], data: Rows, count: int) -> list[str] | None:
    """The types the classifier names, if it names any and they are as many as columns; None if they are not."""
    given = definition.get("custom_datatypes") or []
    if not definition.get("custom_datatype_configured") or not given:
        return _types(data, count)
    if len(given) != count:
        return None
    return [_HIVE_NAMES.get(one.lower(), one.lower()) for one in given]


def _rows(sample: Sample, delimiter: str, quote: str, *, trim: bool = True) -> Rows:
    """Cells of the rows. Quotes are taken off, and delimiters between them are text."""
    reader = csv.reader(sample.lines, delimiter=delimiter, quotechar=quote)
    found: Rows = []
    try:
        for row in itertools.islice(reader, ROWS_MAX):
            found.append([cell.strip() for cell in row] if trim else row)
    except csv.Error:
        return []
    return found


def _even(rows: Rows, *, single: bool = False) -> Rows:
    """Rows of the number of cells that the first one has; none where there are too few of them, or it has one cell."""
    if not rows or (len(rows[0]) < 2 and not single):
        return []
    count = len(rows[0])
    kept = [row for row in rows if len(row) == count or (len(row) == count + 1 and not row[-1])]
    if len(kept) < len(rows) * (1 - RAGGED_MAX):
        return []
    return [row[:count] for row in kept]


def _is_header(rows: Rows) -> bool:
    first = rows[0]
    for place, cell in enumerate(first):
        last = place == len(first) - 1
        if not cell.strip():
            if not last:
                return False
            continue
        if type_of_text(cell) != "string" or (not last and len(cell) >= NAME_MAX) or not _NAME.match(cell):
            return False
    if len({cell.lower() for cell in first}) < len(first):
        return False
    return any(cell.strip() and type_of_text(cell) != "string" for row in rows[1:] for cell in row)


def _named(cells: Sequence[str]) -> list[str]:
    """Names of columns, in lower case and distinct."""
    found: list[str] = []
    for number, cell in enumerate(cells):
        name = cell.strip().lower() or f"col{number}"
        found.append(name if name not in found else f"{name}_{number}")
    return found


def _types(rows: Rows, count: int) -> list[str]:
    return [type_of_texts(row[place] for row in rows) for place in range(count)]


def _finding(sample: Sample, columns: list[tuple[str, str]], delimiter: str, rows: Rows, *, header: bool) -> Finding:
    parameters = {"delimiter": delimiter, "columnsOrdered": "true", "areColumnsQuoted": "false"}
    if header:
        parameters["skip.header.line.count"] = "1"
    lines = sample.lines[: len(rows)]
    size = sum([len(line.encode()) + 1 for line in lines])
    return Finding(
        classification="csv",
        columns=columns,
        serde=LAZY,
        parameters=parameters,
        records=len(rows) - header,
        bytes=sample.taken * size / max(size, len(sample.data)),
        record_bytes=size / len(rows),
    )
