"""Partition projection: partitions that a table's properties tell, instead of the catalog."""

from collections.abc import Sequence

from lakemill.lakesql.dialects.model import Comparison
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans.table import Table


def places(table: Table, predicates: Sequence[Comparison]) -> list[tuple[tuple[str, ...], str]]:
    """Values and location of every partition that may hold rows."""
    raise SqlFailed("NOT_SUPPORTED", "partition projection")
