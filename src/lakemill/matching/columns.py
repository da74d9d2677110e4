"""Columns prepared for comparison: each value once, in plain form, with the kind of what the column holds.

name    a few words: of people, places, companies
text    many words: titles, descriptions, addresses in one line
code    one word with digits: identity and telephone numbers, postcodes
date    a day
number  a quantity
"""

import dataclasses
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemill.matching.errors import MatchingError
from lakemill.matching.tables import as_text

Kind = Literal["name", "text", "code", "date", "number"]
KINDS: tuple[Kind, ...] = ("name", "text", "code", "date", "number")
SHARE = 0.9
"""So much of a column has to look like a date, a number, ... for the column to be taken for one."""
DATES = (
    (r"^(?P<y>(?:1[6-9]|20)\d\d)[-/.]?(?P<m>0[1-9]|1[0-2])[-/.]?(?P<d>0[1-9]|[12]\d|3[01])(?:[T ].*)?$"),
    (r"^(?P<d>0?[1-9]|[12]\d|3[01])[-/.](?P<m>0?[1-9]|1[0-2])[-/.](?P<y>(?:1[6-9]|20)\d\d)$"),
    (r"^(?P<m>0?[1-9]|1[0-2])[-/.](?P<d>0?[1-9]|[12]\d|3[01])[-/.](?P<y>(?:1[6-9]|20)\d\d)$"),
)
"""Years first, days first, months first; which of the latter two it is, most values decide."""


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of n records with u different values."""

    name: str
    kind: Kind
    codes: np.ndarray
    """(n,) int32: the record's value; -1: missing."""
    values: pa.StringArray
    """(u,): lower case, accents and punctuation taken off, from codes blanks too; dates as yyyymmdd."""
    numbers: np.ndarray | None = None
    """(u,) float64, of numbers and of dates (in days)."""

    def counts(self) -> np.ndarray:
        """How many records have each value, (u,)."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))


def prepare(name: str, column: Any, kind: Kind | None = None) -> Column:
    """A column of n values; kind: what it holds, or None to find out.

    >>> prepare("born", pa.array(["1980-02-01", None, "19800201"])).codes.tolist()
    [0, -1, 0]
    """
    if kind is not None and kind not in KINDS:
        raise MatchingError(f"The kind of column {name} must be one of {', '.join(KINDS)}; got {kind!r}")
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    day = pa.types.is_date(array.type) or pa.types.is_timestamp(array.type)
    coded = as_text(array).dictionary_encode()
    raw = pc.utf8_trim_whitespace(coded.dictionary)
    if kind is None:
        kind = "number" if pa.types.is_floating(array.type) else "date" if day else kind_of(raw)
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    numbers = None
    if kind == "date":
        values, numbers = days_of(raw)
    elif kind == "number":
        values, numbers = quantities_of(raw)
    else:
        values = plain(raw)
        if kind == "code":
            values = pc.replace_substring(values, " ", "")
    values = pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
    again = values.dictionary_encode()
    moved = pc.fill_null(again.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    if numbers is not None:
        kept = np.full(len(again.dictionary), np.nan)
        kept[moved[moved >= 0]] = numbers[moved >= 0]
        numbers = kept
    codes = np.where(codes >= 0, np.append(moved, np.int32(-1))[codes], np.int32(-1))
    return Column(name, kind, codes, again.dictionary, numbers)


def kind_of(values: pa.StringArray) -> Kind:
    """What a column with these different values holds.

    >>> kind_of(pa.array(["john smith", "mary"])), kind_of(pa.array(["AB-12", "CD-13"]))
    ('name', 'code')
    """
    values = values.filter(pc.not_equal(values, ""))[:10_000]
    if not len(values):
        return "name"
    if _share(values, "|".join(DATES).replace("?P<y>", "").replace("?P<m>", "").replace("?P<d>", "")) >= SHARE:
        return "date"
    digits = _share(values, r"^\d+$")
    lengths = pc.utf8_length(values)
    if _share(values, r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$") >= SHARE and digits < SHARE:
        return "number"
    if _share(values, r"^\S*\d\S*$") >= SHARE / 1.5:
        return "code"
    words = pc.add(pc.count_substring_regex(values, r"\s+"), 1)
    return "text" if pc.mean(words).as_py() > 4 or pc.mean(lengths).as_py() > 40 else "name"


def _share(values: pa.StringArray, pattern: str) -> float:
    return pc.mean(pc.match_substring_regex(values, pattern).cast(pa.float64())).as_py() or 0.0


def plain(values: pa.StringArray) -> pa.StringArray:
    """Lower case, without accents, with single blanks for everything that is neither letter nor digit.

    >>> plain(pa.array(["  O'Neil, Zoë "])).to_pylist()
    ['o neil zoe']
    """
    if not pc.all(pc.string_is_ascii(values)).as_py():
        values = pc.utf8_normalize(values, form="NFKD")
        values = pc.replace_substring_regex(values, r"\p{Mn}+", "")
    values = pc.replace_substring_regex(pc.utf8_lower(values), r"[^\p{L}\p{N}]+", " ")
    return pc.utf8_trim_whitespace(values)


def quantities_of(values: pa.StringArray) -> tuple[pa.StringArray, np.ndarray]:
    """Numbers of text, with NaN, and missing text, for what is none."""
    values = pc.replace_substring_regex(values, r"[,\s_]", "")
    good = pc.match_substring_regex(values, r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
    numbers = pc.if_else(good, values, pa.scalar(None, pa.string())).cast(pa.float64())
    found = numbers.to_numpy(zero_copy_only=False).astype(np.float64)
    return as_text(numbers), found


def days_of(values: pa.StringArray) -> tuple[pa.StringArray, np.ndarray]:
    """Dates as yyyymmdd and as days since 1970-01-01. What is no date keeps its plain text, with NaN days."""
    order = sorted(DATES[1:], key=lambda pattern: -_share(values, pattern)) if len(values) else list(DATES[1:])
    text, days = plain(values), pa.nulls(len(values), pa.date32())
    for pattern in (DATES[0], *order):
        parts = pc.extract_regex(values, pattern)
        y, m, d = (pc.utf8_lpad(parts.field(part), 4 if part == "y" else 2, "0") for part in "ymd")
        known = pc.and_(parts.is_valid(), pc.is_null(days))
        joined = pc.if_else(known, pc.binary_join_element_wise(y, m, d, ""), pa.scalar(None, pa.string()))
        text = pc.if_else(known, joined, text)
        stamps = pc.strptime(joined, format="%Y%m%d", unit="s", error_is_null=True).cast(pa.date32())
        days = pc.coalesce(days, stamps)
    numbers = days.cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.float64)
    return text, numbers
