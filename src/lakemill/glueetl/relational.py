"""Nested frames as flat ones: relationalize and unnest.

An array goes into a frame of its own, with a row for each element: `id` joins it to the column of that name, `index` is
the element's place, and `NAME.val` is the element, or `NAME.val.FIELD` its fields.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakemill.glueetl import columns
from lakemill.glueetl.gluetypes import ArrayType, DataType, Field, IntegerType, LongType, MapType, StructType
from lakemill.glueetl.materialising import materialised

Table = tuple[str, DataFrame, StructType]
RECORD = "lakemill record"


def unnested(schema: StructType) -> list[tuple[str, columns.Column, DataType]]:
    """All fields of structs beside the others."""
    return columns.flat(columns.all_of(schema))


def relationalized(frame: DataFrame, schema: StructType, name: str, root_name: str | None = None) -> list[Table]:
    """The flat frame, and one for each array in it, by their names; root_name: what these begin with."""
    fields = columns.flat(columns.all_of(schema))
    if not any(isinstance(type, ArrayType | MapType) for _, _, type in fields):
        chosen = [value.alias(one) for one, value, _ in fields] or [columns.nothing()]
        return [(name, frame.select(chosen), _schema(fields))]
    flat = [value.alias(one) for one, value, _ in fields]
    base = materialised(frame.select(*flat, (F.monotonically_increasing_id() + 1).alias(RECORD)), "relationalize")
    root: list[tuple[str, columns.Column, DataType]] = []
    tables: list[Table] = []
    for one, _, type in fields:
        value = columns.column(one)
        if isinstance(type, ArrayType | MapType):
            root.append((one, F.when(value.isNotNull(), columns.column(RECORD)), LongType()))
            tables += _elements(base, one, type, root_name or name)
        else:
            root.append((one, value, type))
    return [(name, base.select([value.alias(one) for one, value, _ in root]), _schema(root)), *tables]


def _elements(base: DataFrame, name: str, type: DataType, root_name: str) -> list[Table]:
    """The frame of an array, and those of arrays in it."""
    value = columns.column(name)
    if isinstance(type, MapType):
        value = F.map_entries(value)
        inner: DataType = StructType([Field("key", type.keyType), Field("value", type.valueType)])
    else:
        assert isinstance(type, ArrayType)
        inner = type.elementType
    rows = base.where(value.isNotNull()).select(
        columns.column(RECORD).alias("id"), F.posexplode(value).alias("index", f"{name}.val")
    )
    schema = StructType([Field("id", LongType()), Field("index", IntegerType()), Field(f"{name}.val", inner)])
    return relationalized(rows, schema, f"{root_name}_{name}", root_name)


def _schema(fields: list[tuple[str, columns.Column, DataType]]) -> StructType:
    return StructType(Field(name, type) for name, _, type in fields)
