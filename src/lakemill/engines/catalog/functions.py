"""Functions that query engines load by their names from the catalog: a definition each, kept with its database.

catalog_functions   database id, name
"""

from collections.abc import Iterator
from typing import Any

from lakemill.engines.catalog.catalog import Catalog, joined
from lakemill.engines.catalog.entries import Definition
from lakemill.engines.catalog.errors import DefinitionWrong, FunctionExists, FunctionMissing
from lakemill.ports.metadata import Transaction, prefix_end

_FUNCTIONS = "catalog_functions"


class Functions:
    """The functions of a catalog's databases. A definition has `function_name` and more."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def create(self, scope: str, database: str, definition: Definition) -> None:
        """Raises DatabaseMissing, DefinitionWrong (no name), FunctionExists."""
        if not definition.get("function_name"):
            raise DefinitionWrong("FunctionName must be given.")

        def work(transaction: Transaction) -> None:
            key = self._key(transaction, scope, database, definition["function_name"])
            if transaction.get(_FUNCTIONS, key) is not None:
                raise FunctionExists
            transaction.put(_FUNCTIONS, key, self._document(definition, database, self._catalog.clock.now()))

        await self._catalog.metadata.transact(work)

    def get(self, scope: str, database: str, name: str) -> Definition:
        """With `created` and `database_name`. Raises DatabaseMissing, FunctionMissing."""
        found = self._catalog.metadata.get(_FUNCTIONS, self._key(self._catalog.metadata, scope, database, name))
        if found is None:
            raise FunctionMissing
        return found

    def all(self, scope: str, database: str | None, after: str = "") -> Iterator[tuple[str, Definition]]:
        """Functions of a database, or of all, behind `after`; each with its place. Raises DatabaseMissing."""
        names = [one.name for one in self._catalog.databases(scope)] if database is None else [database.lower()]
        for name in names:
            if name < after.split("\x01", 1)[0]:
                continue
            start = joined(self._catalog.database(scope, name).id, "")
            for key, document in self._catalog.metadata.scan(_FUNCTIONS, start, prefix_end(start)):
                place = joined(name, key.split("\x01", 1)[1])
                if place > after:
                    yield place, document

    async def update(self, scope: str, database: str, name: str, definition: Definition) -> None:
        """Raises DatabaseMissing, DefinitionWrong (another name), FunctionMissing."""
        if definition.get("function_name", name).lower() != name.lower():
            raise DefinitionWrong("The name of a function cannot be changed.")

        def work(transaction: Transaction) -> None:
            key = self._key(transaction, scope, database, name)
            found = transaction.get(_FUNCTIONS, key)
            if found is None:
                raise FunctionMissing
            named = {"function_name": name} | definition
            transaction.put(_FUNCTIONS, key, self._document(named, database, found["created"]))

        await self._catalog.metadata.transact(work)

    async def delete(self, scope: str, database: str, name: str) -> None:
        """Raises DatabaseMissing, FunctionMissing."""

        def work(transaction: Transaction) -> None:
            if not transaction.delete(_FUNCTIONS, self._key(transaction, scope, database, name)):
                raise FunctionMissing

        await self._catalog.metadata.transact(work)

    @staticmethod
    def _document(definition: Definition, database: str, created: Any) -> Definition:
        ours = {"function_name": definition["function_name"].lower(), "database_name": database.lower()}
        return definition | ours | {"created": created}

    def _key(self, reader: Any, scope: str, database: str, name: str) -> str:
        return joined(self._catalog.database_in(reader, scope, database).id, name.lower())
