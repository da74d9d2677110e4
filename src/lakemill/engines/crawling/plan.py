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


@dataclasses.dataclass(frozen=True)
class Plan:
    """A crawl. refusal: of the role it crawls with."""

    crawler: str
    scope: str
    database: str
    targets: tuple[Target, ...]
    refusal: Refusal
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
        return self.classification, self.serde, serde, self.parameters.get("skip.header.line.count")


UNKNOWN = "UNKNOWN"
OF_THE_FILE = ("paths", "avro.schema.literal")
"""SerDe parameters that follow from the columns."""
