"""What COPY, UNLOAD and external schemas tell of themselves."""

from collections.abc import Callable

from lakemill.warehouse.loading import history
from lakemill.warehouse.spectrum import listing
from lakemill.warehouse.system.views import Known, Rows, view

_KINDS = {"INTEGER": "int4", "BIGINT": "int8", "VARCHAR": "varchar", "TIMESTAMP": "timestamp"}


def _external(name: str) -> Callable[[Known], Rows]:
    return lambda known: listing.rows(known.session, name)


def _recorded(name: str, columns: str) -> Callable[[Known], Rows]:
    return lambda known: known.past(name, columns)


for _name, _definition in listing.VIEWS.items():
    view("pg_catalog", _name, _definition)(_external(_name))
for _name, _columns in history.TABLES.items():
    _pairs = [column.split() for column in _columns.split(", ")]
    _shown = " ".join(f"{column}:{_KINDS[kind]}" for column, kind in _pairs)
    view("pg_catalog", _name, _shown)(_recorded(_name, _columns))
