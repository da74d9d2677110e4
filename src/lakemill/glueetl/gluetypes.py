"""Types of dynamic frames: Spark's, and choices between them. Scripts know this module as awsglue.gluetypes.

A field of several types in different records is a choice. In Spark's terms it is a struct with a field for each type,
of which one at most is not null: choice<int, string> is struct<int: int, string: string>.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-types.html
"""

import re
from collections.abc import Iterable
from typing import Any

from pyspark.sql import types as spark

from lakemill.formats.hive import Type, parse


class DataType:
    """A type; `properties` are free words about it."""

    name = ""

    def __init__(self, properties: dict[str, Any] | None = None) -> None:
        self.properties = properties or {}

    @classmethod
    def typeName(cls) -> str:
        return cls.name

    def jsonValue(self) -> Any:
        return {"dataType": self.typeName()} | ({"properties": self.properties} if self.properties else {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataType) and self.jsonValue() == other.jsonValue()

    def __hash__(self) -> int:
        return hash(str(self.jsonValue()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class AtomicType(DataType):
    """One without parts."""


class NullType(AtomicType):
    name = "null"


class UnknownType(AtomicType):
    name = "unknown"


class BinaryType(AtomicType):
    name = "binary"


class BooleanType(AtomicType):
    name = "boolean"


class ByteType(AtomicType):
    name = "byte"


class ShortType(AtomicType):
    name = "short"


class IntegerType(AtomicType):
    name = "int"


class LongType(AtomicType):
    name = "long"


class FloatType(AtomicType):
    name = "float"


class DoubleType(AtomicType):
    name = "double"


class StringType(AtomicType):
    name = "string"


class DateType(AtomicType):
    name = "date"


class TimestampType(AtomicType):
    name = "timestamp"


class DecimalType(AtomicType):
    """precision digits, scale of them after the point."""

    name = "decimal"

    def __init__(self, precision: int = 10, scale: int = 2, properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.precision, self.scale = precision, scale

    def jsonValue(self) -> Any:
        return super().jsonValue() | {"precision": self.precision, "scale": self.scale}

    def __repr__(self) -> str:
        return f"DecimalType({self.precision}, {self.scale})"


class ArrayType(DataType):
    name = "array"

    def __init__(self, elementType: DataType | None = None, properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.elementType = elementType or UnknownType()

    def jsonValue(self) -> Any:
        return super().jsonValue() | {"elementType": self.elementType.jsonValue()}

    def __repr__(self) -> str:
        return f"ArrayType({self.elementType!r})"


class MapType(DataType):
    name = "map"

    def __init__(
        self,
        valueType: DataType | None = None,
        keyType: DataType | None = None,
        properties: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(properties)
        self.valueType, self.keyType = valueType or UnknownType(), keyType or StringType()

    def jsonValue(self) -> Any:
        return super().jsonValue() | {"keyType": self.keyType.jsonValue(), "valueType": self.valueType.jsonValue()}

    def __repr__(self) -> str:
        return f"MapType({self.keyType!r}, {self.valueType!r})"


class ChoiceType(DataType):
    """One of several types, in the order of their first records."""

    name = "choice"

    def __init__(self, choices: Iterable[DataType] = (), properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.choices = {choice.typeName(): choice for choice in choices}

    def jsonValue(self) -> Any:
        return super().jsonValue() | {"choices": [choice.jsonValue() for choice in self.choices.values()]}

    def __repr__(self) -> str:
        return f"ChoiceType({list(self.choices.values())!r})"


class Field:
    """A name and a type."""

    def __init__(self, name: str, dataType: DataType, properties: dict[str, Any] | None = None) -> None:
        self.name, self.dataType, self.properties = name, dataType, properties or {}

    def jsonValue(self) -> Any:
        return {"name": self.name, "container": self.dataType.jsonValue()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Field) and self.jsonValue() == other.jsonValue()

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Field({self.name}, {self.dataType!r})"


class StructType(DataType):
    """Fields in an order."""

    name = "struct"

    def __init__(self, fields: Iterable[Field] = (), properties: dict[str, Any] | None = None) -> None:
        super().__init__(properties)
        self.fields = list(fields)

    @property
    def field_map(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}

    def __iter__(self) -> Any:
        return iter(self.fields)

    def jsonValue(self) -> Any:
        return super().jsonValue() | {"fields": [field.jsonValue() for field in self.fields]}

    def __repr__(self) -> str:
        return f"StructType({self.fields!r})"


ATOMIC = {
    spark.NullType: NullType,
    spark.BinaryType: BinaryType,
    spark.BooleanType: BooleanType,
    spark.ByteType: ByteType,
    spark.ShortType: ShortType,
    spark.IntegerType: IntegerType,
    spark.LongType: LongType,
    spark.FloatType: FloatType,
    spark.DoubleType: DoubleType,
    spark.StringType: StringType,
    spark.VarcharType: StringType,
    spark.CharType: StringType,
    spark.DateType: DateType,
    spark.TimestampType: TimestampType,
    spark.TimestampNTZType: TimestampType,
}
_SPARK: dict[type[DataType], Any] = {UnknownType: spark.StringType} | {
    ours: theirs for theirs, ours in reversed(ATOMIC.items())
}
_BY_NAME: dict[str, DataType] = {
    **{ours.name: ours() for ours in ATOMIC.values()},
    **{"integer": IntegerType(), "bigint": LongType(), "smallint": ShortType(), "tinyint": ByteType()},
    **{"bool": BooleanType(), "varchar": StringType(), "char": StringType(), "real": FloatType()},
}


def of_spark(type: spark.DataType) -> DataType:
    """A type of Spark's, without choices. Raises ValueError."""
    if isinstance(type, spark.StructType):
        return StructType(Field(field.name, of_spark(field.dataType)) for field in type.fields)
    if isinstance(type, spark.ArrayType):
        return ArrayType(of_spark(type.elementType))
    if isinstance(type, spark.MapType):
        return MapType(of_spark(type.valueType), of_spark(type.keyType))
    if isinstance(type, spark.DecimalType):
        return DecimalType(type.precision, type.scale)
    for theirs, ours in ATOMIC.items():
        if isinstance(type, theirs):
            return ours()
    raise ValueError(f"The type {type.simpleString()} is none of dynamic frames.")


def to_spark(type: DataType) -> spark.DataType:
    """How Spark holds it.

    >>> to_spark(ChoiceType([IntegerType(), StringType()])).simpleString()
    'struct<int:int,string:string>'
    """
    if isinstance(type, StructType):
        return spark.StructType([spark.StructField(field.name, to_spark(field.dataType)) for field in type.fields])
    if isinstance(type, ChoiceType):
        return spark.StructType([spark.StructField(name, to_spark(one)) for name, one in type.choices.items()])
    if isinstance(type, ArrayType):
        return spark.ArrayType(to_spark(type.elementType))
    if isinstance(type, MapType):
        return spark.MapType(to_spark(type.keyType), to_spark(type.valueType))
    if isinstance(type, DecimalType):
        return spark.DecimalType(type.precision, type.scale)
    return _SPARK[type.__class__]()


def named(text: str) -> DataType:
    """A type by the name that mappings, casts and the Data Catalog use. Raises ValueError.

    >>> named("long"), named("decimal(12,2)"), named("array<int>")
    (LongType(), DecimalType(12, 2), ArrayType(IntegerType()))
    """
    name = text.strip().lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    words = {"long": "bigint", "byte": "tinyint", "short": "smallint"}
    return _of_hive(parse(re.sub(r"\b(long|byte|short)\b", lambda word: words[word[1]], text.strip())))


def _of_hive(type: Type) -> DataType:
    if type.name == "array":
        return ArrayType(_of_hive(type.parts[0]))
    if type.name == "map":
        return MapType(_of_hive(type.parts[1]), _of_hive(type.parts[0]))
    if type.name == "struct":
        return StructType(Field(name, _of_hive(part)) for name, part in zip(type.names, type.parts, strict=True))
    return DecimalType(type.numbers[0], type.numbers[1]) if type.name == "decimal" else _BY_NAME[type.name]


def hive(type: DataType) -> str:
    """As the Data Catalog writes it.

    >>> hive(StructType([Field("a", LongType()), Field("b", ArrayType(StringType()))]))
    'struct<a:bigint,b:array<string>>'
    """
    return "string" if isinstance(type, NullType) else to_spark(type).simpleString()


def has_choice(type: DataType) -> bool:
    """Whether a type is a choice, or has one within."""
    if isinstance(type, ChoiceType):
        return True
    if isinstance(type, StructType):
        return any(has_choice(field.dataType) for field in type.fields)
    if isinstance(type, MapType):
        return has_choice(type.valueType)
    return isinstance(type, ArrayType) and has_choice(type.elementType)


def tree(schema: StructType) -> str:
    """As DynamicFrame.printSchema prints it."""
    return "\n".join(["root", *(line for field in schema.fields for line in _lines(field.name, field.dataType, ""))])


def _lines(name: str, type: DataType, indent: str) -> list[str]:
    below = f"{indent}|    "
    lines = [f"{indent}|-- {name}: {type.typeName()}"]
    if isinstance(type, StructType):
        lines += [line for field in type.fields for line in _lines(field.name, field.dataType, below)]
    elif isinstance(type, ArrayType):
        lines += _lines("element", type.elementType, below)
    elif isinstance(type, MapType):
        lines += [*_lines("keyType", type.keyType, below), *_lines("valueType", type.valueType, below)]
    elif isinstance(type, ChoiceType):
        for choice in type.choices.values():
            lines.append(f"{below}|-- {choice.typeName()}")
            lines += _lines("", choice, below)[1:]
    return lines
