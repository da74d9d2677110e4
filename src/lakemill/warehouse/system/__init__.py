"""System views: what clients ask a warehouse about itself.

Their rows are made when a statement reads them, from the objects as its transaction sees them.
"""

from typing import TYPE_CHECKING

from lakemill.lakesql.dialects.redshift import Column, Relation
from lakemill.lakesql.types import quoted
from lakemill.warehouse import tabular
from lakemill.warehouse.system import (
    activity,
    catalog,
    constraints,
    information,
    lake,
    materialized,
    privileges,
    routines,
    tables,
    types,
)
from lakemill.warehouse.system.views import VIEWS, Known

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

__all__ = ["MODULES", "relation"]

MODULES = (activity, catalog, constraints, information, lake, materialized, privileges, routines, tables, types)
"""Each declares some of the views."""


def relation(session: "Session", schema: str, name: str, database: str) -> Relation | None:
    """A system view with its rows; None where there is none of that name."""
    found = VIEWS.get((schema, name))
    if found is None:
        return None
    registered = f"system {schema}.{name}"
    session.connection.register(registered, tabular.table(found.columns, found.rows(Known(session))))
    columns = [Column(column, tabular.TYPES[kind][0]) for column, kind in found.columns]
    return Relation(columns, quoted(registered), (schema, name), writable=False, leader=schema != "public")
