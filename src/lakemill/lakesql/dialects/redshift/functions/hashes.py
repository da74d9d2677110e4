"""Digests and check sums, in hexadecimal digits."""

import hashlib
import zlib
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects.functions.registry import table
from lakemill.lakesql.dialects.redshift.coercion import coerce
from lakemill.lakesql.dialects.typed import Typed, failed
from lakemill.lakesql.types import VARCHAR

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

TABLE = table(
    """
md5(varchar) -> varchar : md5({0})
sha1(varchar) -> varchar : sha1({0})
crc32(varchar) -> varchar : text_crc32({0})
"""
)
for _name in ("func_sha1", "sha"):
    TABLE[_name] = TABLE["sha1"]
_BITS = {0: 256, 224: 224, 256: 256, 384: 384, 512: 512}


def _sha2(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if len(values) != 2 or values[1].value not in _BITS or c.dialect.cost(values[0].type, VARCHAR) is None:
        raise failed("22023", "sha2 takes a text and 0, 224, 256, 384 or 512", node)
    return Typed(f"text_sha2({coerce(values[0], VARCHAR).sql}, {_BITS[values[1].value]})", VARCHAR)


RULES = {"sha2": _sha2}


def add(connection: Any) -> None:
    """Digests that DuckDB has not. They take and give whole columns."""
    from duckdb.sqltypes import INTEGER
    from duckdb.sqltypes import VARCHAR as TEXT

    connection.create_function("digest", _digest, [TEXT, INTEGER], TEXT, type="arrow", side_effects=False)


def _digest(texts: Any, bits: Any) -> Any:
    import pyarrow

    made = [
        None if t is None else _digested(t.encode(), b)
        for t, b in zip(texts.to_pylist(), bits.to_pylist(), strict=True)
    ]
    return pyarrow.array(made, pyarrow.string())


def _digested(value: bytes, bits: int) -> str:
    if bits == 32:
        return f"{zlib.crc32(value):08x}"
    return hashlib.new(f"sha{bits}", value).hexdigest()
