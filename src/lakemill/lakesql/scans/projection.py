"""Partition projection: partitions that a table's properties tell, instead of the catalog.

With `projection.enabled`, every partition key has a `projection.KEY.type`:

    enum      .values     a,b,c (blanks count)
    integer   .range      0,10 (both inclusive)   .interval 1   .digits: filled with zeros
    date      .range      2020-01-01,NOW or NOW-3YEARS,NOW+1MONTH, in UTC
              .format     of Java's DateTimeFormatter   .interval 1   .interval.unit
    injected              the statement must say what it equals

`storage.location.template` says where partitions are; else they are where Hive puts them, KEY=VALUE/ below the table.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from lakemill.lakesql.dialects.model import Comparison
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import projecteddates
from lakemill.lakesql.scans.matching import holds
from lakemill.lakesql.scans.table import Column, Table

PARTITIONS_MAX = 1_000_000
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def places(table: Table, predicates: Sequence[Comparison]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Values and location of every partition that may hold rows for which the predicates hold.

    Raises SqlFailed: HIVE_METASTORE_ERROR for properties that are wrong, CONSTRAINT_VIOLATION for an injected key that
    is not fixed.
    """
    _check(table)
    choices = [_values(table, key, [one for one in predicates if one.column == key.name]) for key in table.keys]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > PARTITIONS_MAX:
        raise SqlFailed(
            "HIVE_EXCEEDED_PARTITION_LIMIT",
            f"Query over table '{table.database}.{table.name}' can potentially read more than {PARTITIONS_MAX} "
            "partitions",
        )
    template = _template(table)
    for values in itertools.product(*choices):
        known = dict(zip((key.name for key in table.keys), values, strict=True))
        yield values, _VARIABLE.sub(lambda match, known=known: known[match[1].lower()], template)  # type: ignore[misc]


def _check(table: Table) -> None:
    missing = [key.name for key in table.keys if f"projection.{key.name}.type" not in _folded(table)]
    if missing:
        raise _wrong(table, f"table is configured for partition projection, but the following partition columns are "
                            f"missing projection configuration: [{', '.join(missing)}]")  # fmt: skip


def _values(table: Table, key: Column, predicates: Sequence[Comparison]) -> list[str]:
    options = _options(table, key)
    kind = options["type"].lower()
    if kind == "injected":
        return _injected(table, key, predicates)
    if kind == "enum":
        found = _needed(table, key, options, "values").split(",")
    elif kind == "integer":
        found = _integers(table, key, options)
    elif kind == "date":
        try:
            found = projecteddates.values(options)
        except ValueError as wrong:
            raise _wrong(table, f"Invalid projection configuration of column {key.name}: {wrong}") from None
    else:
        raise _wrong(table, f"Invalid type property for projection column {key.name}: {options['type']}")
    return [value for value in found if all(holds(one, value, key.type) for one in predicates)]


def _injected(table: Table, key: Column, predicates: Sequence[Comparison]) -> list[str]:
    fixed = [one.values for one in predicates if one.operator in ("=", "in")]
    if not fixed:
        raise SqlFailed(
            "CONSTRAINT_VIOLATION",
            f"For the injected projected partition column {key.name}, the WHERE clause must contain only static "
            f"equality conditions, and at least one such condition must be present.",
        )
    return [value for value in dict.fromkeys(fixed[0]) if all(value in others for others in fixed)]


def _integers(table: Table, key: Column, options: Mapping[str, str]) -> list[str]:
    text = _needed(table, key, options, "range")
    try:
        low, high = (int(one) for one in text.split(","))
        interval, digits = int(options.get("interval", "1")), int(options.get("digits", "0"))
    except ValueError:
        low, high, interval, digits = 1, 0, 1, 0
    if low > high or interval < 1 or (high - low) // interval >= PARTITIONS_MAX:
        raise _wrong(table, f"Invalid range property for column {key.name}: {text}")
    return [str(value).zfill(digits) for value in range(low, high + 1, interval)]


def _template(table: Table) -> str:
    template = _folded(table).get("storage.location.template")
    if template is None:
        base = table.storage.location
        base = base if base.endswith("/") else f"{base}/"
        return base + "".join(f"{key.name}=${{{key.name}}}/" for key in table.keys)
    names = {name.lower() for name in _VARIABLE.findall(template)}
    absent = [key.name for key in table.keys if key.name not in names]
    unknown = names - {key.name for key in table.keys}
    if absent or unknown:
        raise _wrong(table, f"Invalid storage.location.template {template!r}: it must have a place for each of "
                            f"{', '.join(key.name for key in table.keys)}, and for nothing else")  # fmt: skip
    if not template.endswith("/"):
        raise _wrong(table, f"Invalid storage.location.template {template!r}: it must end with /")
    return template


def _folded(table: Table) -> dict[str, str]:
    return {name.lower(): value for name, value in table.parameters.items()}


def _options(table: Table, key: Column) -> dict[str, str]:
    prefix = f"projection.{key.name}."
    return {name.removeprefix(prefix): value for name, value in _folded(table).items() if name.startswith(prefix)}


def _needed(table: Table, key: Column, options: Mapping[str, str], name: str) -> str:
    if not options.get(name):
        raise _wrong(table, f"Missing property projection.{key.name}.{name}, which type {options['type']} needs")
    return options[name]


def _wrong(table: Table, message: str) -> SqlFailed:
    return SqlFailed("HIVE_METASTORE_ERROR", f"Table {table.database}.{table.name}: {message}")
