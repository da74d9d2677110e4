"""Strings in quotes as values of a type, read when the statement is compiled as far as that is easy."""

import datetime
import json
import re
from decimal import ROUND_HALF_UP, Decimal, localcontext

from lakemill.lakesql.dialects.coercion import INTEGERS
from lakemill.lakesql.dialects.redshift.coercion import TEXTS, TIMES
from lakemill.lakesql.dialects.redshift.intervals import of_words
from lakemill.lakesql.dialects.typed import Typed, text
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import BOOLEAN, VARCHAR, Type

_BITS = {"smallint": 16, "integer": 32, "bigint": 64}
_SPECIAL = {"today": 0, "yesterday": -1, "tomorrow": 1}
_NUMBER = re.compile(r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?")
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?)?")


def of_literal(value: Typed, to: Type) -> Typed:
    """Raises SqlFailed where it cannot be of that type: 22P02, 22003, 22008."""
    from lakemill.lakesql.dialects.redshift.casts import from_text

    shown = str(value.value)
    word = shown.strip().lower()
    if to.name in TEXTS:
        return Typed(value.sql, to, shown)
    if to.name in INTEGERS:
        return _integer(shown, to)
    if to.name == "decimal" and _NUMBER.fullmatch(word):
        return _decimal(word, to)
    if to.name == "double" and _NUMBER.fullmatch(word):
        return Typed(f"CAST('{float(word)!r}' AS DOUBLE)", to, float(word))
    if to == BOOLEAN and word in {"t", "true", "f", "false"}:
        return Typed("true" if word in {"t", "true"} else "false", to)
    if to.name in TIMES and word in {*_SPECIAL, "now", "epoch"}:
        return _special(word, to)
    if to.name in {"date", "timestamp"} and _STAMP.fullmatch(word):
        try:
            moment = datetime.datetime.fromisoformat(word)
        except ValueError:
            raise SqlFailed("22008", f'date/time field value out of range: "{shown}"') from None
        made = f"DATE '{moment.date()}'" if to.name == "date" else f"TIMESTAMP '{moment}'"
        return Typed(made, to)
    if to.name == "super":
        return Typed(f"CAST({text(json.dumps(shown))} AS JSON)", to)
    if to.name == "interval":
        return Typed(of_words(shown), to)
    return from_text(Typed(value.sql, VARCHAR, shown), to)


def _integer(shown: str, to: Type) -> Typed:
    if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", shown):
        raise SqlFailed("22P02", f'invalid input syntax for integer: "{shown}"')
    number = int(shown)
    if not -(1 << _BITS[to.name] - 1) <= number < 1 << _BITS[to.name] - 1:
        raise SqlFailed("22003", f'value "{shown}" is out of range for type {to.name}')
    return Typed(f"CAST('{number}' AS {to.duckdb()})", to, number)


def _decimal(word: str, to: Type) -> Typed:
    precision, scale = to.args
    with localcontext() as context:
        context.prec = 400
        number = Decimal(word).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    if abs(number) >= Decimal(10) ** (precision - scale):
        raise SqlFailed("22003", "Numeric data overflow (result precision)")
    return Typed(f"CAST('{number:f}' AS {to.duckdb()})", to)


def _special(word: str, to: Type) -> Typed:
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    midnight = datetime.datetime.combine(now.date(), datetime.time())
    moment = {"now": now, "epoch": datetime.datetime(1970, 1, 1)}.get(
        word, midnight + datetime.timedelta(days=_SPECIAL.get(word, 0))
    )
    return Typed(f"CAST(TIMESTAMP '{moment}' AS {to.duckdb()})", to)
