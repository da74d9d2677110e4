"""What DDL works with: the catalog, with Hive's words for what is not there."""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lakemill.lakesql.ddl import errors
from lakemill.lakesql.interface import Document, Lake, LakeRefused

ABSENT = "EntityNotFoundException"


@dataclasses.dataclass
class Context:
    """lake, the database in which names without one are looked up, and the statement's folder."""

    lake: Lake
    database: str
    folder: Path = Path()

    def table(self, database: str, name: str) -> Document:
        """Raises DdlFailed."""
        with told():
            found = self.find_table(database, name)
        if found is None:
            raise errors.semantic(f"[Error 10001]: Table not found {database}.{name}")
        return found

    def find_table(self, database: str, name: str) -> Document | None:
        """None where it is not there."""
        try:
            return self.lake.table(database, name)
        except LakeRefused as refused:
            if refused.code == ABSENT:
                return None
            raise

    def has_database(self, name: str) -> bool:
        try:
            self.lake.database(name)
        except LakeRefused as refused:
            if refused.code == ABSENT:
                return False
            raise
        return True

    def require_database(self, name: str) -> None:
        """Raises DdlFailed where it is not there."""
        with told():
            if not self.has_database(name):
                raise errors.semantic(f"[Error 10072]: Database does not exist: {name}")


@contextmanager
def told() -> Iterator[None]:
    """What the platform refuses becomes DdlFailed."""
    try:
        yield
    except LakeRefused as refused:
        raise errors.refused(refused) from None


def now() -> str:
    """Seconds, as Hive notes when something was changed."""
    return str(int(time.time()))


def without_read_only(document: Document) -> Document:
    """A table's document as it may be written again."""
    kept = ("Name", "Description", "Owner", "LastAccessTime", "LastAnalyzedTime", "Retention", "StorageDescriptor")
    also = ("PartitionKeys", "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters", "TargetTable")
    return {key: value for key, value in document.items() if key in (*kept, *also)}
