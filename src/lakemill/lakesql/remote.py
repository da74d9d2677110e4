"""The lake, asked for question by question: `interface.Lake` for whoever has somebody to ask."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from lakemill.lakesql.interface import Document, Source


class RemoteLake:
    """ask: takes a question and its arguments, gives the answer. Raises LakeRefused, as every method does."""

    def __init__(self, ask: Callable[[str, dict[str, Any]], Any]) -> None:
        self._question = ask

    def _ask(self, question: str, **arguments: Any) -> Any:
        return self._question(question, arguments)

    def databases(self) -> list[Document]:
        return self._ask("databases")

    def database(self, name: str) -> Document:
        return self._ask("database", name=name)

    def create_database(self, definition: Document) -> None:
        self._ask("create_database", definition=definition)

    def update_database(self, definition: Document) -> None:
        self._ask("update_database", definition=definition)

    def drop_database(self, name: str, cascade: bool) -> None:
        self._ask("drop_database", name=name, cascade=cascade)

    def tables(self, database: str) -> list[Document]:
        return self._ask("tables", database=database)

    def table(self, database: str, name: str) -> Document:
        return self._ask("table", database=database, name=name)

    def create_table(self, database: str, definition: Document, partitions: Sequence[Document] = ()) -> None:
        also = {"partitions": list(partitions)} if partitions else {}
        self._ask("create_table", database=database, definition=definition, **also)

    def update_table(self, database: str, definition: Document, expected: str | None = None) -> None:
        also = {"expected": expected} if expected is not None else {}
        self._ask("update_table", database=database, definition=definition, **also)

    def rename_table(self, database: str, name: str, to_database: str, definition: Document) -> None:
        self._ask("rename_table", database=database, name=name, to_database=to_database, definition=definition)

    def drop_table(self, database: str, name: str, location: str | None = None) -> None:
        also = {"location": location} if location is not None else {}
        self._ask("drop_table", database=database, name=name, **also)

    def partitions(self, database: str, table: str, expression: str | None) -> list[Document]:
        return self._ask("partitions", database=database, table=table, expression=expression)

    def add_partitions(self, database: str, table: str, definitions: list[Document]) -> list[str | None]:
        return self._ask("add_partitions", database=database, table=table, definitions=definitions)

    def update_partition(self, database: str, table: str, values: list[str], definition: Document) -> None:
        self._ask("update_partition", database=database, table=table, values=values, definition=definition)

    def drop_partitions(self, database: str, table: str, values: list[list[str]]) -> None:
        self._ask("drop_partitions", database=database, table=table, values=values)

    def objects(self, location: str) -> Iterator[Source]:
        after, more = "", True
        while more:
            page = self._ask("objects", location=location, after=after)
            yield from msgspec.convert(page["objects"], list[Source])
            more = page["more"]
            after = page["objects"][-1]["uri"] if more else ""

    def fetch(self, uris: list[str]) -> list[str]:
        return self._ask("fetch", uris=uris)

    def check(self, uris: list[str]) -> None:
        self._ask("check", uris=uris)

    def began_at(self, uri: str) -> None:
        self._ask("began_at", uri=uri)

    def store(self, path: str, uri: str) -> None:
        self._ask("store", path=path, uri=uri)

    def remove(self, uris: list[str]) -> None:
        self._ask("remove", uris=uris)
