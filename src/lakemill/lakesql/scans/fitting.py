"""What a file holds brought to the type a table declares, as an expression of DuckDB."""

import pyarrow as pa

from lakemill.lakesql.arrow import arrow_type
from lakemill.lakesql.scans import sql
from lakemill.lakesql.types import Type

_BITS = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}


class Unfitting(Exception):
    """The type in the file cannot be read as the declared one."""


def fitted(value: str, there: pa.DataType, here: Type, depth: int = 0) -> str:
    """The expression `value`, whose type in the file is `there`, as type `here`. Raises Unfitting."""
    if here.name == "row":
        return _row(value, there, here, depth)
    if here.name == "array":
        return _array(value, there, here, depth)
    if here.name == "map":
        return _map(value, there, here, depth)
    if not _fits(there, here):
        raise Unfitting
    if here.name in ("varchar", "char"):
        return _text(value, there, here)
    if here.name == "timestamp" and pa.types.is_timestamp(there) and there.tz is not None:
        return f"CAST({value} AT TIME ZONE 'UTC' AS TIMESTAMP)"
    if there == arrow_type(here):
        return value
    return f"CAST({value} AS {here.duckdb()})"


def _fits(there: pa.DataType, here: Type) -> bool:
    t = pa.types
    if here.name in _BITS:
        return t.is_integer(there) or (t.is_timestamp(there) and here.name == "bigint")
    if here.name in ("real", "double"):
        return t.is_floating(there) or t.is_integer(there) or t.is_decimal(there)
    if here.name == "decimal":
        return t.is_decimal(there) or t.is_integer(there)
    if here.name in ("varchar", "char", "varbinary"):
        texts = t.is_string(there) or t.is_large_string(there) or t.is_binary(there) or t.is_large_binary(there)
        return texts or t.is_fixed_size_binary(there) or t.is_dictionary(there) or t.is_null(there)
    wanted = {"boolean": t.is_boolean, "date": t.is_date, "timestamp": t.is_timestamp}
    return here.name in wanted and (wanted[here.name](there) or t.is_null(there))


def _text(value: str, there: pa.DataType, here: Type) -> str:
    if pa.types.is_binary(there) or pa.types.is_large_binary(there) or pa.types.is_fixed_size_binary(there):
        value = f"decode({value})"
    if here.args:
        return f"left({value}, {here.args[0]})"
    return value


def _row(value: str, there: pa.DataType, here: Type, depth: int) -> str:
    if not pa.types.is_struct(there):
        raise Unfitting
    fields = {field.name.lower(): field for field in reversed(list(there))}
    terms = []
    for name, type in here.fields:
        field = fields.get(name or "")
        inside = f"NULL::{type.duckdb()}"
        if field is not None:
            inside = fitted(f"struct_extract({value}, {sql.text(field.name)})", field.type, type, depth)
        terms.append(f"{sql.name(name or '')} := {inside}")
    return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({', '.join(terms)}) END"


def _array(value: str, there: pa.DataType, here: Type, depth: int) -> str:
    if not (pa.types.is_list(there) or pa.types.is_large_list(there) or pa.types.is_fixed_size_list(there)):
        raise Unfitting
    one = f"e{depth}"
    inside = fitted(one, there.value_type, here.element, depth + 1)
    return value if inside == one else f"list_transform({value}, lambda {one}: {inside})"


def _map(value: str, there: pa.DataType, here: Type, depth: int) -> str:
    if not pa.types.is_map(there):
        raise Unfitting
    one = f"e{depth}"
    key = fitted(f"{one}.key", there.key_type, here.args[0], depth + 1)
    item = fitted(f"{one}.value", there.item_type, here.args[1], depth + 1)
    if (key, item) == (f"{one}.key", f"{one}.value"):
        return value
    entries = f"list_transform(map_entries({value}), lambda {one}: struct_pack(key := {key}, value := {item}))"
    return f"CASE WHEN {value} IS NOT NULL THEN map_from_entries({entries}) END"
