"""The rows on which expressions are evaluated, and what failed on them.

An expression is evaluated on all rows of a batch at once. A row on which it fails (a division by zero, a string that is
no number) gets NULL and a remark in `failures`; whoever asked for the expression sends the row to `error_stream`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.sqltypes import sql_name

# A column of values or, where all rows have the same, one value.
Values: TypeAlias = Any  # pa.Array | pa.Scalar


@dataclass
class Frame:
    """Columns of equal length; times are milliseconds: `now`, and `started`, when the program saw its first row."""

    columns: Sequence[pa.Array]
    rows: int
    now: int = 0
    started: int = 0
    failures: dict[int, str] = field(default_factory=dict)

    def branch(self) -> "Frame":
        """The same rows, for an expression that may turn out not to be needed on all of them."""
        return Frame(self.columns, self.rows, self.now, self.started)

    def absorb(self, branch: "Frame", needed: Callable[[], Values]) -> None:
        """Take over the failures of a branch on the rows where it was needed."""
        if branch.failures:
            mask = full(needed(), self.rows).to_pylist()
            for row, message in branch.failures.items():
                if mask[row]:
                    self.failures.setdefault(row, message)

    def fail(self, rows: Sequence[int], message: str) -> None:
        for row in rows:
            self.failures.setdefault(row, message)

    def attempt(self, kernel: Callable[..., Values], kind: pa.DataType, *arguments: Values) -> Values:
        """Call a kernel that raises if any row is bad; find the bad rows by halving and give them NULL."""
        try:
            return kernel(*arguments)
        except (ValueError, ArithmeticError) as error:
            if all(isinstance(argument, pa.Scalar) for argument in arguments):
                self.fail(range(self.rows), message_of(error, kind))
                return pa.scalar(None, kind)
            return pa.concat_arrays(self._halves(kernel, kind, arguments, 0, self.rows))

    def _halves(self, kernel: Callable, kind: pa.DataType, arguments: Sequence[Values], start: int, end: int) -> list:
        parts = []
        middle = (start + end) // 2
        for low, high in ((start, middle), (middle, end)) if end - start > 1 else ((start, end),):
            piece = [a.slice(low, high - low) if isinstance(a, pa.Array) else a for a in arguments]
            try:
                parts.append(full(kernel(*piece), high - low).cast(kind))
            except (ValueError, ArithmeticError) as error:
                if high - low > 1:
                    parts += self._halves(kernel, kind, arguments, low, high)
                else:
                    self.fail([low], message_of(error, kind))
                    parts.append(pa.nulls(1, kind))
        return parts


# What Arrow says, and what users are told; {1} is the first group, {kind} the type that was wanted.
_MESSAGES = [
    (r"divide by zero", "division by zero"),
    (r"overflow", "The result is out of the range of {kind}"),
    (r"Failed to parse string: '(.*)' as a scalar of type (?:u?int|float|double|decimal).*", "'{1}' is no number"),
    (r"Failed to parse string: '(.*)' as a scalar of type.*", "'{1}' is no {kind}"),
    (r"The string '(.*)' is not a valid decimal128 number.*", "'{1}' is no number"),
    (r"Integer value (\S+) .*", "{1} is out of the range of {kind}"),
    (r"Float value (\S+?)(?:\.0+)? was .*", "{1} is out of the range of {kind}"),
    (r"Cannot convert (\S+?)(?:\.0+)? to Decimal.*", "{1} is out of the range of {kind}"),
    (r"Decimal value does not fit.*", "The value is out of the range of {kind}"),
]


def message_of(error: Exception, kind: pa.DataType) -> str:
    """The error's first line, in the words of SQL; `kind` is the type that was wanted."""
    text = str(error.args[0] if error.args else error).split("\n")[0]
    for pattern, words in _MESSAGES:
        if match := re.fullmatch(pattern, text):
            return words.format(text, *match.groups(), kind=sql_name(kind))
    return text


def full(values: Values, rows: int) -> pa.Array:
    """A column, also where all rows have the same value."""
    if isinstance(values, pa.Scalar):
        return pa.nulls(rows, values.type) if not values.is_valid else pa.repeat(values, rows)
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def by_row(function: Callable, kind: pa.DataType, strict: bool = True) -> Callable[..., Values]:
    """Make a kernel of a Python function for what Arrow has no kernel for.

    With `strict`, a row with a NULL among its arguments is NULL and the function is not asked.
    """

    def kernel(*arguments: Values) -> Values:
        if all(isinstance(a, pa.Scalar) for a in arguments):
            values = [a.as_py() for a in arguments]
            return pa.scalar(None if strict and None in values else function(*values), kind)
        rows = next(len(a) for a in arguments if isinstance(a, pa.Array))
        lists = [a.to_pylist() if isinstance(a, pa.Array) else [a.as_py()] * rows for a in arguments]
        if strict:
            return pa.array([None if None in row else function(*row) for row in zip(*lists, strict=True)], kind)
        return pa.array([function(*row) for row in zip(*lists, strict=True)], kind)

    return kernel


def choose(mask: Values, yes: Values, no: Values) -> Values:
    """`yes` where the mask is true, `no` where it is false or NULL."""
    return pc.if_else(pc.fill_null(mask, False), yes, no)
