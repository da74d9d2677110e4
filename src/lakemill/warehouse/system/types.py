"""pg_catalog.pg_type."""

from lakemill.lakesql.dialects.redshift import names
from lakemill.lakesql.types import Type, decimal
from lakemill.warehouse.system.views import PG_CATALOG_OID, Known, Rows, view

_TYPES = [
    *(Type("boolean"), Type("varbyte"), Type("bigint"), Type("smallint"), Type("integer"), Type("real")),
    *(Type("double"), Type("char"), Type("varchar"), Type("date"), Type("time"), Type("timestamp")),
    *(Type("timestamptz"), Type("interval"), Type("timetz"), decimal(38), Type("super"), Type("unknown")),
]
# Those that no column of a table has: name, OID, bytes.
_OTHERS = [("char", 18, 1), ("name", 19, 128), ("text", 25, -1), ("oid", 26, 4), ("regclass", 2205, 4)]


@view(
    "pg_catalog",
    "pg_type",
    "oid:oid typname:name typnamespace:oid typowner:int4 typlen:int2 typbyval:bool typtype:char typisdefined:bool "
    "typdelim:char typrelid:oid typelem:oid typinput:name typoutput:name typalign:char typstorage:char typnotnull:bool "
    "typbasetype:oid typtypmod:int4 typndims:int4 typdefault",
)
def pg_type(known: Known) -> Rows:
    """Types of values."""
    rows = [(names.pg_name(kind), names.oid(kind), names.size(kind)) for kind in _TYPES] + _OTHERS
    for name, oid, size in rows:
        yield (
            *(oid, name, PG_CATALOG_OID, 1, size, 0 < size <= 8, "b", True, ",", 0, 0, f"{name}in", f"{name}out"),
            *("i", "p" if size > 0 else "x", False, 0, -1, 0, None),
        )
