"""What the process of a statement and the platform say to each other.

The platform starts `python -m lakemill.lakesql.worker --memory-mib N` and gives it one `Statement` after another.
Messages are those of `formats.messages` (a document each) on the process's standard input and output. While it works,
the process asks (`Lake`), one question at a time, and gets an answer to each; its last message is the outcome.

    platform -> process   {"statement": Statement}
    process -> platform   {"ask": method of Lake, "with": {argument: value}}
    platform -> process   {"answer": value}   or {"refused": {"code", "message"}}
    process -> platform   {"progress": {"scanned_bytes": n}}           once it is parsed, and now and then; not answered
    process -> platform   {"outcome": Outcome}   or {"failed": Failure}

Catalog documents (databases, tables, partitions) are those of the Glue API: `{"Name", "StorageDescriptor", ...}`.
Locations are `s3://bucket/prefix/`. A statement's files are in its own folder, which the platform removes afterwards.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

Document = dict[str, Any]


class Cluster(msgspec.Struct, kw_only=True):
    """A cluster of Trino that runs queries."""

    base: str
    """`http://host:port` of its coordinator."""
    catalog: str
    """Its name for the lake's catalog."""
    iceberg: str = ""
    """Its name for Iceberg's tables there, where that is another one."""
    user: str = ""
    """Who asked for the statement, as Trino is told."""
    id: str = ""
    """Of the execution, as Trino is told."""
    authorization: str = ""
    """The header of lakemill itself, if it must show who it is."""
    ca: str = ""
    """A file of certificates to trust; empty for those of the system."""


class Statement(msgspec.Struct, kw_only=True):
    """What is to be carried out."""

    text: str
    dialect: str
    """`athena` (Trino's queries and Hive's DDL) or `redshift`."""
    database: str = "default"
    """Where names without a database are looked up."""
    parameters: list[str] = []
    """SQL texts for the question marks, in order."""
    folder: str = ""
    """Where it may write; results are left here."""
    output: str = ""
    """`s3://bucket/prefix/id`: what names of results begin with."""
    memory_mib: int = 2048
    threads: int = 2
    scan_bytes_max: int | None = None
    """Fails with BYTES_SCANNED_LIMIT once it has read more."""
    cluster: Cluster | None = None
    """Where queries run, if not in the process."""
    options: dict[str, str] = {}
    """`location`: `enforced` where it is decided where results go, so that CREATE TABLE AS may not name a place."""


class Source(msgspec.Struct):
    """An object of the lake."""

    uri: str
    size: int
    modified_s: int
    etag: str
    storage_class: str = "STANDARD"


class Column(msgspec.Struct):
    """A column of a result."""

    name: str
    type: str
    """As Athena tells it: varchar, integer, bigint, double, float, decimal, timestamp, array, row ..."""
    precision: int = 0
    scale: int = 0
    nullable: str = "UNKNOWN"
    case_sensitive: bool = False


class Outcome(msgspec.Struct, kw_only=True):
    """A statement that was carried out."""

    kind: str
    """DML, DDL or UTILITY, as Athena's StatementType."""
    substatement: str
    """SELECT, CREATE_TABLE, INSERT ..., as Athena's SubstatementType."""
    form: str
    """`csv` (with a header), `txt` (without), or empty where there is no result but a manifest."""
    columns: list[Column] = []
    rows: int = 0
    result: str = ""
    """The result's local file, in its form."""
    manifest: list[str] | None = None
    """URIs of the objects that were written, for CTAS, INSERT and UNLOAD."""
    updated: int | None = None
    """Rows written, for those."""
    scanned_bytes: int = 0
    queued_ms: int = 0
    """It waited in a cluster's queue, too."""
    planning_ms: int = 0
    execution_ms: int = 0


class Failure(msgspec.Struct, kw_only=True):
    """A statement that was not."""

    message: str
    """As the caller sees it: `TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.t' does not exist`."""
    category: int = 2
    """1 system, 2 user, 3 other."""
    type: int = 1006
    """Athena's ErrorType."""
    retryable: bool = False
    at_start: bool = False
    """Whether Athena refuses it at StartQueryExecution (a statement that cannot be parsed)."""
    kind: str = ""
    substatement: str = ""
    scanned_bytes: int = 0


class LakeRefused(Exception):
    """A question that was refused. code: of Glue or S3 (EntityNotFoundException, AlreadyExistsException, AccessDenied,
    NoSuchBucket ...)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Lake(Protocol):
    """Catalog and objects, with the caller's rights. Every method raises LakeRefused."""

    # The catalog

    def databases(self) -> list[Document]: ...

    def database(self, name: str) -> Document: ...

    def create_database(self, definition: Document) -> None: ...

    def update_database(self, definition: Document) -> None: ...

    def drop_database(self, name: str, cascade: bool) -> None: ...

    def tables(self, database: str) -> list[Document]: ...

    def table(self, database: str, name: str) -> Document: ...

    def create_table(self, database: str, definition: Document, partitions: Sequence[Document] = ()) -> None:
        """Make a table and its first partitions, at once."""
        ...

    def update_table(self, database: str, definition: Document, expected: str | None = None) -> None:
        """Replace a table's definition.

        expected: the VersionId that it must have, else ConcurrentModificationException. With one, what the statement
        has stored is the table's from then on, and not taken back if the statement fails later.
        """
        ...

    def rename_table(self, database: str, name: str, to_database: str, definition: Document) -> None:
        """Give a table another name, and perhaps database, at once. definition: with the new name."""
        ...

    def drop_table(self, database: str, name: str, location: str | None = None) -> None:
        """location: what is below it goes with the table; the objects are removed even if lakemill ends meanwhile."""
        ...

    def partitions(self, database: str, table: str, expression: str | None) -> list[Document]:
        """Those for which the expression (as GetPartitions takes it) holds."""
        ...

    def add_partitions(self, database: str, table: str, definitions: list[Document]) -> list[str | None]:
        """For each, the code of the error that kept it from being added."""
        ...

    def update_partition(self, database: str, table: str, values: list[str], definition: Document) -> None: ...

    def drop_partitions(self, database: str, table: str, values: list[list[str]]) -> None: ...

    # Objects

    def objects(self, location: str) -> Iterator[Source]:
        """Objects under a location in the order of their names; they are asked for by the page."""
        ...

    def fetch(self, uris: list[str]) -> list[str]:
        """Local files, to be read only, with the bytes of these objects; they stay until the statement ends."""
        ...

    def check(self, uris: list[str]) -> None:
        """Whether these objects may be read, by somebody else in the caller's name."""
        ...

    def began_at(self, uri: str) -> None:
        """The statement is under way elsewhere, until a DELETE of this URI, which is sent if it does not succeed."""
        ...

    def store(self, path: str, uri: str) -> None:
        """Make a local file of the statement's folder an object; durable on return."""
        ...

    def remove(self, uris: list[str]) -> None: ...
