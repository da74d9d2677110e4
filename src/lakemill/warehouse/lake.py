"""The lake, asked for by a statement of a warehouse: COPY, UNLOAD, and tables of external schemas."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from lakemill.lakesql.interface import Document, Source
from lakemill.warehouse.interface import Authorization
from lakemill.warehouse.platform import Platform


class WarehouseLake:
    """`lakesql.interface.Lake` in somebody's name; a context: what was stored stays where it ends without an error.

    Raises LakeRefused where the platform refuses, as every method does.
    """

    def __init__(self, platform: Platform, authorization: Authorization | None) -> None:
        self._platform = platform
        begun = platform.begin(authorization)
        self._id: str = begun["lake"]
        self.folder = Path(begun["folder"])
        """Where files may be left that are to be stored."""
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(keep=kind is None)

    def end(self, keep: bool) -> None:
        """What was stored or made stays, or is taken back; a second end is none."""
        if not self._ended:
            self._ended = True
            self._platform.end(self._id, keep)

    def _ask(self, question: str, **arguments: Any) -> Any:
        return self._platform.lake(self._id, question, arguments)

    def databases(self) -> list[Document]:
        return self._ask("databases")

    def database(self, name: str) -> Document:
        return self._ask("database", name=name)

    def create_database(self, definition: Document) -> None:
        self._ask("create_database", definition=definition)

    def drop_database(self, name: str, cascade: bool) -> None:
        self._ask("drop_database", name=name, cascade=cascade)

    def tables(self, database: str) -> list[Document]:
        return self._ask("tables", database=database)

    def table(self, database: str, name: str) -> Document:
        return self._ask("table", database=database, name=name)

    def create_table(self, database: str, definition: Document, partitions: Sequence[Document] = ()) -> None:
        also = {"partitions": list(partitions)} if partitions else {}
        self._ask("create_table", database=database, definition=definition, **also)

    def update_table(self, database: str, definition: Document) -> None:
        self._ask("update_table", database=database, definition=definition)

    def drop_table(self, database: str, name: str) -> None:
        self._ask("drop_table", database=database, name=name)

    def partitions(self, database: str, table: str, expression: str | None) -> list[Document]:
        return self._ask("partitions", database=database, table=table, expression=expression)

    def add_partitions(self, database: str, table: str, definitions: list[Document]) -> list[str | None]:
        return self._ask("add_partitions", database=database, table=table, definitions=definitions)

    def update_partition(self, database: str, table: str, values: list[str], definition: Document) -> None:
        self._ask("update_partition", database=database, table=table, values=values, definition=definition)

    def drop_partitions(self, database: str, table: str, values: list[list[str]]) -> None:
        self._ask("drop_partitions", database=database, table=table, values=values)

    def objects(self, location: str, after: str = "") -> list[Source]:
        return msgspec.convert(self._ask("objects", location=location, after=after), list[Source])

    def fetch(self, uris: list[str]) -> list[str]:
        return self._ask("fetch", uris=uris)

    def store(self, path: str, uri: str) -> None:
        self._ask("store", path=path, uri=uri)

    def remove(self, uris: list[str]) -> None:
        self._ask("remove", uris=uris)
