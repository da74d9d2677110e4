"""What a crawl is to do, in the engine's words: its owner makes a plan of a crawler's settings."""

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec

Refusal = Callable[..., str | None]
"""Why (action, resource, context=condition keys) is not permitted, or None."""
EVERYTHING, NEW_FOLDERS = "everything", "new folders"
UPDATE, DELETE, DEPRECATE, LOG = "update", "delete", "deprecate", "log"


class Target(msgspec.Struct, frozen=True):
    """A place to crawl. prefix ends with a slash, or is empty for a whole bucket."""

    bucket: str
    prefix: str
    exclusions: tuple[str, ...] = ()
    sample_size: int | None = None
    """Files that are looked at in each folder."""

    @property
    def location(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def location_of(self, path: str) -> str:
        """Of a folder or file in its bucket."""
        return f"s3://{self.bucket}/{path}"


class DatabaseTarget(msgspec.Struct, frozen=True):
    """Tables of a database to crawl."""

    connection: str
    """Its name."""
    engine: str
    """postgresql or sqlite."""
    place: str
    """What its JDBC URL says after the engine."""
    user: str
    password: str
    ssl: bool
    database: str
    pattern: tuple[str, ...]
    """Of schema and table, or of a table where the engine has no schemas; `%` is any text."""
    exclusions: tuple[str, ...] = ()

    @property
    def location(self) -> str:
        """What locations of its tables begin with."""
        fixed = [part for part in self.pattern[:-1] if "%" not in part]
        return "".join(f"{part}." for part in (self.database, *fixed))

    def location_of(self, path: str) -> str:
        """Of a table: names with dots between."""
        return f"{self.database}.{path}"


@dataclasses.dataclass(frozen=True)
class Plan:
    """A crawl. refusal: of the role it crawls with."""

    crawler: str
    scope: str
    database: str
    targets: tuple[Target, ...]
    refusal: Refusal
    databases: tuple[DatabaseTarget, ...] = ()
    table_prefix: str = ""
    on_change: str = UPDATE
    """UPDATE or LOG."""
    on_missing: str = DEPRECATE
    """DELETE, DEPRECATE or LOG."""
    recrawl: str = EVERYTHING
    combine: bool = False
    """One table for each target, however different the schemas."""
    level: int | None = None
    """Tables are the folders so many levels deep; the bucket is level 1."""
    add_columns_only: bool = False
    inherit: bool = False
    """Partitions have the columns of their table."""
    classifiers: tuple[dict[str, Any], ...] = ()
    tables_max: int | None = None


class Seen(msgspec.Struct, kw_only=True):
    """What a file, or several, were found to be; see `lakemill.classifiers.findings.Finding`."""

    classification: str
    columns: tuple[tuple[str, str], ...] = ()
    serde: str = ""
    serde_parameters: dict[str, str] = {}
    input_format: str = ""
    output_format: str = ""
    parameters: dict[str, str] = {}
    records: float = 0
    bytes: float = 0
    record_bytes: float = 0
    first_row: tuple[str, ...] = ()
    compression: str = "none"
    certainty: float = 1.0
    note: str = ""

    @property
    def known(self) -> bool:
        return self.classification != UNKNOWN

    @property
    def kind(self) -> tuple[Any, ...]:
        """What must be equal in files of one table."""
        serde = tuple(sorted((name, one) for name, one in self.serde_parameters.items() if name not in OF_THE_FILE))
        return self.classification, self.serde, serde, self.parameters.get(HEADER)


UNKNOWN, HEADER = "UNKNOWN", "skip.header.line.count"
OF_THE_FILE = ("paths", "avro.schema.literal")
"""SerDe parameters that follow from the columns."""
