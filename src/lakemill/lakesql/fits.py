"""Which column of a query goes into which of a table, and whether it may."""

from collections.abc import Mapping, Sequence

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type

_WIDER = {
    "tinyint": ("smallint", "integer", "bigint", "real", "double", "decimal"),
    "smallint": ("integer", "bigint", "real", "double", "decimal"),
    "integer": ("bigint", "real", "double", "decimal"),
    "bigint": ("real", "double", "decimal"),
    "decimal": ("real", "double"),
    "real": ("double",),
    "date": ("timestamp",),
    "timestamp": ("timestamp with time zone",),
    "char": ("varchar",),
}


def wanted(
    declared: Mapping[str, Type], names: Sequence[str] | None, columns: Sequence[tuple[str, Type]]
) -> dict[str, int | None]:
    """For each column of a table, the place of the query's column that goes into it; None for nulls.

    names: the columns that INSERT names. Raises SqlFailed where they do not fit.
    """
    targets = list(declared) if names is None else [name.lower() for name in names]
    for place, name in enumerate(targets):
        if name not in declared:
            raise SqlFailed("COLUMN_NOT_FOUND", f"Insert column name does not exist in target table: {name}", 1, 1)
        if name in targets[:place]:
            raise SqlFailed("DUPLICATE_COLUMN_NAME", f"Insert column name is specified more than once: {name}", 1, 1)
    found = [type for _, type in columns]
    if len(found) != len(targets) or not all(map(fits, found, [declared[name] for name in targets])):
        here, there = ([type.trino() for type in some] for some in ([declared[name] for name in targets], found))
        raise SqlFailed(
            "TYPE_MISMATCH",
            f"Insert query has mismatched column types: Table: [{', '.join(here)}], Query: [{', '.join(there)}]",
            1,
            1,
        )
    places = {name: place for place, name in enumerate(targets)}
    return {name: places.get(name) for name in declared}


def fits(there: Type, here: Type) -> bool:
    """Whether a value of a query (`there`) may be put into a column."""
    if there.name == "unknown" or there == here:
        return True
    if there.name in ("array", "map") and here.name == there.name:
        return all(map(fits, there.args, here.args))
    if there.name == "row" and here.name == "row":
        return len(there.fields) == len(here.fields) and all(
            fits(one[1], other[1]) for one, other in zip(there.fields, here.fields, strict=True)
        )
    return there.name == here.name or here.name in _WIDER.get(there.name, ())
