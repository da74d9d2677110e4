"""Snapshots: data files come, and others go, at once."""

import contextlib
from collections.abc import Iterator, Sequence

from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, Transaction

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import LakeRefused
from lakemill.lakesql.writing.storing import writing_refused


def append(table: Table, files: Sequence[DataFile]) -> None:
    """Commit more files. Raises SqlFailed."""
    with transaction(table, "insert") as changes:
        added(changes, files)


def added(changes: Transaction, files: Sequence[DataFile]) -> None:
    """A snapshot with more files, in a transaction."""
    with changes.update_snapshot().merge_append() as snapshot:
        for file in files:
            snapshot.append_data_file(file)


def replace(table: Table, gone: Sequence[DataFile], files: Sequence[DataFile], what: str) -> None:
    """Commit that some files go, and others come. what: names the statement. Raises SqlFailed.

    Fails where another statement has changed what this one was made from, also by rows that it has added.
    """
    with transaction(table, what) as changes, changes.update_snapshot().overwrite() as snapshot:
        for file in gone:
            snapshot.delete_data_file(file)
        for file in files:
            snapshot.append_data_file(file)


@contextlib.contextmanager
def transaction(table: Table, what: str) -> Iterator[Transaction]:
    """Changes that are committed at the end. what: names the statement. Raises SqlFailed."""
    try:
        with table.transaction() as changes:
            yield changes
    except (CommitFailedException, ValidationException) as wrong:
        message = f"Failed to commit the transaction during {what}: {wrong}"
        raise SqlFailed("ICEBERG_COMMIT_ERROR", message) from None
    except LakeRefused as refused:
        raise writing_refused(refused, ".".join(table.name())) from None
