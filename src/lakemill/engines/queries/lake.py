"""Catalog and objects as one statement may see them: the platform's side of `lakesql.interface.Lake`."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from lakemill.engines.catalog import CODES, Catalog, CatalogError
from lakemill.engines.objects import BucketMissing
from lakemill.engines.queries.catalogside import CatalogSide
from lakemill.engines.queries.errors import Refused
from lakemill.engines.queries.journal import Journal
from lakemill.engines.queries.objectside import Files


class Rights(Protocol):
    """What whoever asked for a statement may do."""

    @property
    def checked(self) -> list[list[str]]:
        """What was asked so far: action and resource."""
        ...

    def catalog(self, question: str, database: str = "", table: str = "") -> None:
        """Raise Refused unless they may ask this of the catalog, a database or a table."""
        ...

    def object(self, deed: str, bucket: str, key: str) -> None:
        """Raise Refused unless they may `read`, `write` or `remove` an object, or `list` what begins with a key."""
        ...

    def again(self, action: str, resource: str) -> None:
        """Raise Refused unless they may do what was `checked` before, for somebody."""
        ...


class Lake:
    """Answers the questions of one statement. by: who asked for it, as a table tells who made it."""

    def __init__(self, catalog: Catalog, files: Files, scope: str, by: str, rights: Rights, journal: Journal) -> None:
        self._rights, self.files = rights, files
        self._catalog = CatalogSide(catalog, files.store_of_objects, scope, by, rights, journal)

    async def answer(self, question: str, arguments: dict[str, Any]) -> Any:
        """Raises Refused."""
        asked = self._asked(question)
        try:
            inspect.signature(asked).bind(**arguments)
        except TypeError as wrong:
            raise Refused("InvalidInputException", f"{question}: {wrong}") from None
        try:
            return await asked(**arguments)
        except BucketMissing:
            raise Refused("NoSuchBucket", "The specified bucket does not exist") from None
        except CatalogError as error:
            raise Refused(CODES[type(error)], str(error)) from None

    def _asked(self, question: str) -> Callable[..., Awaitable[Any]]:
        for side in (self._catalog, self.files):
            if question in side.QUESTIONS:
                found: Callable[..., Awaitable[Any]] = getattr(side, question)
                return found
        raise Refused("InvalidInputException", f"There is no question {question}.")
