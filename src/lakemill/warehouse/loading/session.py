"""What COPY, UNLOAD and external schemas need of the session that they run in."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import duckdb

from lakemill.lakesql.dialects.redshift.model import Catalog
from lakemill.lakesql.interface import Lake
from lakemill.warehouse.interface import Authorization


class WorkLake(Lake, Protocol):
    """The lake in somebody's name. folder: where files may be left that are to be stored.

    end: what was stored or made stays, or is taken back; durable on return.
    """

    folder: Path

    def end(self, keep: bool) -> None: ...


class Session(Protocol):
    """A session of a warehouse, while it carries out one statement.

    cursor: DuckDB's, inside of the session's transaction. numbers: those of STL tables.
    """

    cursor: duckdb.DuckDBPyConnection
    catalog: Catalog
    query: int
    pid: int
    user_id: int
    transaction: int
    in_transaction: bool
    """Whether the client began a transaction, so that it is not this statement's own."""

    def lake(self, authorization: Authorization | None) -> WorkLake:
        """Begin to work in the lake in somebody's name. Raises LakeRefused."""
        ...

    def another(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Another cursor of the instance, in a transaction of its own, with the same files within its reach."""
        ...

    def record(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Rows of a system table that stay whatever becomes of the transaction. See `loading.history.TABLES`."""
        ...

    def scratch(self) -> Path:
        """A new folder that DuckDB may read and write, gone after the statement."""
        ...

    def may(self, action: str, parts: tuple[str, ...]) -> None:
        """Raises SqlFailed 42501 where the user may not do this (insert, select) with a table."""
        ...

    def remember(self, name: str, value: Any) -> None:
        """What pg_last_copy_count, pg_last_copy_id, pg_last_unload_count and the like tell from now on."""
        ...

    stopped: Callable[[], None]
    """Raises SqlFailed where the statement was cancelled."""
