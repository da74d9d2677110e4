"""Names in a query: which column a name means, in the relations of FROM and in those of the queries around."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sqlglot import exp

from lakemill.lakesql.dialects.model import TableUse
from lakemill.lakesql.dialects.typed import Typed, failed
from lakemill.lakesql.types import Type


@dataclass
class Field:
    """A column of a relation.

    qualifiers : tuple of str
        What may stand before its name, from the table outwards: ("t", "db", "awsdatacatalog").
    origin : (TableUse, str) or None
        The table's column that it is, unchanged.
    hidden : bool
        Not among those of `*`.
    """

    name: str | None
    type: Type
    sql: str
    qualifiers: tuple[str, ...] = ()
    origin: tuple[TableUse, str] | None = None
    hidden: bool = False
    used: Callable[[], None] | None = None
    literal: Typed | None = None
    """A literal that has become of a type only because it stands in the select list."""
    constant: Typed | None = None
    """What it is, where that is a literal: of output columns."""
    bound: float | None = None
    """As of a `Typed`."""

    def take(self) -> Typed:
        """Its value; from now on the column counts as used."""
        if self.used:
            self.used()
        return self.constant or Typed(self.sql, self.type, bound=self.bound)


def output_field(name: str | None, value: Typed) -> Field:
    """An output column, as it can be named beside the columns of FROM."""
    constant = value if value.value is not None else None
    return Field(name.lower() if name else None, value.type, value.sql, constant=constant)


@dataclass
class Scope:
    """Columns that can be named, and those of the query around (`parent`)."""

    fields: list[Field] = field(default_factory=list)
    parent: "Scope | None" = None
    # Fields tried before `fields`: names of the output, in ORDER BY.
    first: list[Field] = field(default_factory=list)
    # Fields tried after `fields`: output columns, in a select list behind them.
    last: list[Field] = field(default_factory=list)
    # In a grouped query, what its columns are called after grouping: for sub-queries in it.
    keys: dict[str, str] = field(default_factory=dict)
    # Whether these are a lambda's parameters; the query's columns are those of the parent then.
    parameters: bool = False

    def find(self, parts: list[str], node: exp.Expr) -> tuple[Field, list[str]] | None:
        """The column that the longest beginning of a dotted name means, and what is left: fields of a row.

        Raises SqlFailed(AMBIGUOUS_NAME) where several could be meant.
        """
        for end in range(len(parts), 0, -1):
            name, qualifier = parts[end - 1], tuple(reversed(parts[: end - 1]))
            for among in (self.first, self.fields, self.last):
                found = [f for f in among if f.name == name and f.qualifiers[: len(qualifier)] == qualifier]
                if len(found) > 1 and not qualifier:
                    found = [f for f in found if not f.hidden] or found
                if len(found) > 1 and len({f.sql for f in found}) > 1:
                    raise failed("AMBIGUOUS_NAME", f"Column '{'.'.join(parts[:end])}' is ambiguous", node)
                if found:
                    return found[0], parts[end:]
        outer = self.parent.find(parts, node) if self.parent else None
        if outer and self.parent and outer[0].sql in self.parent.keys:
            return replace(outer[0], sql=self.parent.keys[outer[0].sql]), outer[1]
        return outer

    def own(self, found: Field) -> bool:
        """Whether it is a column of the query where we are, not of one around."""
        if self.parameters:
            return self.parent is not None and self.parent.own(found)
        return any(found is f for f in self.fields)
