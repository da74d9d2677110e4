"""The lake as an external schema sees it: in its role's name, without what Spectrum passes over."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Source
from lakemill.warehouse.interface import Authorization
from lakemill.warehouse.lake import WarehouseLake

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session


class SpectrumLake(WarehouseLake):
    """Files whose names begin with a point, an underscore or a hash mark, or end with a tilde, are not there."""

    def objects(self, location: str) -> Iterator[Source]:
        return (one for one in super().objects(location) if not _is_hidden(one.uri))


def _is_hidden(uri: str) -> bool:
    name = uri.rsplit("/", 1)[-1]
    return name.startswith((".", "_", "#")) or name.endswith("~")


@contextlib.contextmanager
def opened(session: "Session", external: dict[str, Any]) -> Iterator[SpectrumLake]:
    """The lake for one piece of work of an external schema. external: its document."""
    with SpectrumLake(session.warehouse.platform, Authorization(role=external["role"])) as lake:
        yield lake


def of_schema(session: "Session", schema: str) -> dict[str, Any]:
    """The document of an external schema. Raises SqlFailed."""
    found = session.store.get("schema", schema, session.database)
    if found is None:
        raise SqlFailed("3F000", f'schema "{schema}" does not exist')
    if found.external is None:
        raise SqlFailed("0A000", f'schema "{schema}" is not external')
    return found.external


def outside_of_block(session: "Session", what: str) -> None:
    """Raises SqlFailed in a transaction that the client began, in which the catalog cannot take part."""
    if session.transaction.state == "block":
        raise SqlFailed("25001", f"{what} cannot run inside a transaction block")
