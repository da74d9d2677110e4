"""The keys that tables declare."""

from collections.abc import Iterator

from lakemill.warehouse.objects import Foreign, foreign_name, unique_name
from lakemill.warehouse.system.views import Known, Listed

KEY_OID_FIRST = 10_000
"""Keys have the numbers from here on, in the order in which they are listed."""


def keys(known: Known) -> Iterator[tuple[Listed, str, str, list[str], Foreign | None]]:
    """Relation, name, kind (p, u, f), columns, and of a foreign key what it says."""
    for one in known.relations:
        relation = one.relation
        if relation.primary_key is not None:
            yield one, relation.primary_key.name or f"{one.name}_pkey", "p", relation.primary_key.columns, None
        for key in relation.unique:
            yield one, key.name or unique_name(one.name, key.columns), "u", key.columns, None
        for foreign in relation.foreign:
            yield one, foreign.name or foreign_name(one.name, foreign.columns), "f", foreign.columns, foreign


def indexes(known: Known) -> Iterator[tuple[int, Listed, str, list[str]]]:
    """What primary keys and unique columns would have as indexes: number, relation, name, columns."""
    for number, (one, name, kind, columns, _) in enumerate(keys(known)):
        if kind != "f":
            yield KEY_OID_FIRST + number, one, name, columns
