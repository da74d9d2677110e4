"""Python functions on records, by the batch: Arrow becomes records, and what the function made becomes Arrow."""

import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame

from lakemill.glueetl import gluetypes, inference
from lakemill.glueetl.gluetypes import DataType, StructType
from lakemill.glueetl.materialising import materialised

_MADE = "records binary, schema binary, error string, failed binary"
Function = Callable[["DynamicRecord"], Any]


class DynamicRecord(dict[str, Any]):
    """A record as functions see it: a dict; fields are also attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def kept(frame: DataFrame, schema: StructType, function: Function) -> DataFrame:
    """The records for which a function says yes."""

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            answers = [bool(function(record)) for record in records(batch, schema)]
            yield batch.filter(pa.array(answers, pa.bool_()))

    numbered = _numbered(frame)
    return numbered.mapInArrow(work, numbered.schema).toDF(*(field.name for field in schema))


def mapped(frame: DataFrame, schema: StructType, function: Function) -> tuple[DataFrame, StructType, DataFrame, int]:
    """What a function makes of each record: the frame, its schema; the records for which it raised (as text, with what
    it raised), and how many these are."""

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _applied(records(batch, schema), function)

    made = materialised(_numbered(frame).mapInArrow(work, _MADE), "map")
    errors = made.where("error is not null").select("error", "failed")
    found = inference.all_merged(pickle.loads(row.schema) for row in made.select("schema").distinct().collect())
    result = inference.without_nulls(_told(found, schema))
    assert isinstance(result, StructType)

    def unpack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        wanted = arrow_schema(result)
        for batch in batches:
            for payload in batch.column(0).to_pylist():
                yield _batch(pickle.loads(payload), result, wanted)

    payloads = made.where("records is not null").select("records")
    unpacked: DataFrame = payloads.mapInArrow(unpack, gluetypes.to_spark(result))  # type: ignore[arg-type]
    return unpacked, result, errors, errors.count()


def records(batch: pa.RecordBatch, schema: StructType) -> Iterator[DynamicRecord]:
    """A batch's rows, with the values of choices."""
    names = [field.name for field in schema]
    values = [_values(column, field.dataType) for column, field in zip(batch.columns, schema, strict=True)]
    for row in zip(*values, strict=True):
        yield DynamicRecord(zip(names, row, strict=True))


def _values(column: pa.Array, type: DataType) -> list[Any]:
    values = column.to_pylist(maps_as_pydicts="lossy")
    return [inference.unpacked(value, type) for value in values] if gluetypes.has_choice(type) else values


def _numbered(frame: DataFrame) -> DataFrame:
    """With names that need no quoting, which mapInArrow does not do."""
    return frame.toDF(*(f"c{number}" for number in range(len(frame.columns))))


def arrow_schema(schema: StructType) -> pa.Schema:
    """How Arrow holds it."""
    from pyspark.sql.pandas.types import to_arrow_schema

    return to_arrow_schema(gluetypes.to_spark(schema))  # type: ignore[arg-type]


def _applied(rows: Iterator[DynamicRecord], function: Function) -> pa.RecordBatch:
    """One row for a batch with what became of its records, and one for each that failed."""
    made: list[Any] = []
    types: dict[Any, DataType] = {}
    failures: list[tuple[str, bytes]] = []
    for row in rows:
        before = dict(row)
        try:
            record = function(row)
            if not isinstance(record, Mapping):
                raise TypeError(f"The function must return a record; got a {inference.type_name(record)}.")
            shape = inference.shape(record)
            if shape not in types:
                types[shape] = inference.of_value(record)
        except Exception as error:
            failures.append((f"{inference.type_name(error)}: {error}", repr(before).encode()))
            continue
        made.append(dict(record))
    columns = [
        [pickle.dumps(made), *[None] * len(failures)],
        [pickle.dumps(inference.all_merged(types.values())), *[pickle.dumps(StructType())] * len(failures)],
        [None, *[error for error, _ in failures]],
        [None, *[record for _, record in failures]],
    ]
    kinds = (pa.binary(), pa.binary(), pa.string(), pa.binary())
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=["records", "schema", "error", "failed"])


def _batch(rows: list[dict[str, Any]], schema: StructType, wanted: pa.Schema) -> pa.RecordBatch:
    columns = []
    for field in schema:
        values = [row.get(field.name) for row in rows]
        if gluetypes.has_choice(field.dataType):
            values = [inference.packed(value, field.dataType) for value in values]
        columns.append(pa.array(values, wanted.field(field.name).type))
    return pa.RecordBatch.from_arrays(columns, schema=wanted)


def _told(found: DataType, before: StructType) -> DataType:
    """What values alone do not say is as it was: which width, how many digits, a map or a struct."""
    if not isinstance(found, StructType):
        return StructType()
    fields = []
    for field in found.fields:
        type, old = field.dataType, before.field_map.get(field.name)
        if old is not None and (_same_values(type, old.dataType)):
            type = old.dataType
        fields.append(gluetypes.Field(field.name, type))
    return StructType(fields)


_WIDTHS = {"byte": "int", "short": "int", "long": "int", "float": "double", "map": "struct"}


def _same_values(made: DataType, before: DataType) -> bool:
    name = before.typeName()
    told = made.typeName()
    return told == "null" or (told in (name, _WIDTHS.get(name)) and name not in ("struct", "array"))
