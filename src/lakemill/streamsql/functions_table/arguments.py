"""What functions on streams may be given: numbers in a range, and columns of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lakemill.streamsql.interface import ROWTIME, Argument


@dataclass(frozen=True)
class Whole:
    """A parameter that is a whole number. default None: it must be given."""

    name: str
    least: int
    most: int
    default: int | None = None

    def read(self, function: str, given: Argument) -> int:
        """Raises ValueError."""
        if isinstance(given, bool) or not isinstance(given, int) or not self.least <= given <= self.most:
            raise ValueError(
                f"{self.name} of {function} must be a whole number from {self.least} to {self.most}; got {_told(given)}"
            )
        return given


def wholes(function: str, parameters: Sequence[Whole], given: Sequence[Argument]) -> list[int]:
    """The parameters' values; those at the end that are left out have their defaults. Raises ValueError."""
    if len(given) > len(parameters):
        raise ValueError(f"{function} takes at most {len(parameters)} parameters after the cursor; got {len(given)}")
    values = []
    for parameter, value in zip(parameters, [*given, *[None] * (len(parameters) - len(given))], strict=True):
        values.append(
            parameter.default if value is None and parameter.default is not None else parameter.read(function, value)
        )
    return values


def numeric(function: str, schema: pa.Schema) -> list[int]:
    """The places of the columns of numbers. Raises ValueError if there are none, and for DECIMAL."""
    found = []
    for place, field in enumerate(schema):
        if pa.types.is_decimal(field.type):
            raise ValueError(f'{function} does not take DECIMAL; CAST the column "{field.name}" to DOUBLE')
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
            found.append(place)
    if not found:
        raise ValueError(f"{function} needs at least one column of numbers")
    return found


def numbers(batch: pa.RecordBatch, places: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Columns as (n, columns) float64, and which rows are finite numbers throughout, (n,) bool: NULL is not."""
    table = np.empty((batch.num_rows, len(places)))
    for column, place in enumerate(places):
        table[:, column] = batch.column(place).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return table, np.asarray(np.isfinite(table).all(axis=1))


def column_of(function: str, schema: pa.Schema, name: Argument) -> int:
    """The place of a column that is given by its name in single quotes. Raises ValueError.

    Exactly, or else as SQL folds names that stand without double quotes: in upper case.
    """
    if not isinstance(name, str):
        raise ValueError(f"columnName of {function} must be a name in single quotes; got {_told(name)}")
    names = [field.name for field in schema]
    for wanted in (name, name.upper()):
        if wanted in names and wanted != ROWTIME:
            return names.index(wanted)
    raise ValueError(f"{function} finds no column '{name}'; there are {', '.join(names[1:])}")


def with_columns(batch: pa.RecordBatch, schema: pa.Schema, *columns: Any) -> pa.RecordBatch:
    """A batch with more columns at the end."""
    return pa.RecordBatch.from_arrays([*batch.columns, *columns], schema=schema)


def _told(value: Argument) -> str:
    return "NULL" if value is None else repr(value)
