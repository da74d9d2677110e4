"""Which columns an expression can see, and under which names."""

from dataclasses import dataclass

from lakemill.streamsql.expr import Expr, column
from lakemill.streamsql.interface import ROWTIME
from lakemill.streamsql.sqltypes import SqlType


@dataclass(frozen=True)
class ScopeColumn:
    """`table` is the alias of where it comes from; `index` its place in the batch; hidden ones are not in `*`."""

    table: str | None
    name: str
    index: int
    kind: SqlType
    hidden: bool = False

    @property
    def expr(self) -> Expr:
        return column(self.index, self.kind, rowtime=self.index == 0)


class Scope:
    """The columns of a FROM clause. Column 0 is always the ROWTIME of the row."""

    def __init__(self, columns: list[ScopeColumn]):
        self.columns = columns

    @property
    def tables(self) -> list[str]:
        return list(dict.fromkeys(c.table for c in self.columns if c.table is not None))

    def find(self, table: str | None, name: str) -> ScopeColumn:
        """The column of this name; LookupError with a sentence if there is none or more than one."""
        if table is not None and table not in self.tables:
            raise LookupError(f"There is no {table} in this FROM clause")
        found = [c for c in self.columns if c.name == name and (table is None or c.table == table)]
        if name == ROWTIME and table is None:
            found = [c for c in found if c.index == 0]
        if len(found) > 1:
            raise LookupError(f"The column {name} is in {' and in '.join(str(c.table) for c in found)}; say which")
        if not found:
            alike = [c.name for c in self.columns if c.name.upper() == name.upper()]
            hint = f'; names without quotes are in upper case, did you mean "{alike[0]}"?' if alike else ""
            raise LookupError(f"There is no column {name}{hint}")
        return found[0]

    def star(self, table: str | None = None) -> list[ScopeColumn]:
        """What `*` (or `table.*`) stands for."""
        if table is not None and table not in self.tables:
            raise LookupError(f"There is no {table} in this FROM clause")
        return [c for c in self.columns if not c.hidden and (table is None or c.table == table)]
