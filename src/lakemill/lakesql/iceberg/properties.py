"""Properties of a table: those that Athena takes, and what they are to Iceberg.

What VACUUM and OPTIMIZE go by keeps its name in the table; formats and sizes become Iceberg's own properties.
"""

from collections.abc import Mapping
from typing import Any

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.iceberg.files import CODEC, COMPRESSIONS, TARGET_BYTES

FORMAT = "write.format.default"
_OURS = {"format": FORMAT, "write_compression": CODEC, "write_target_data_file_size_bytes": TARGET_BYTES}
SIZES = {
    "optimize_rewrite_min_data_file_size_bytes": None,
    "optimize_rewrite_max_data_file_size_bytes": None,
    "optimize_rewrite_data_file_threshold": 5,
    "optimize_rewrite_delete_file_threshold": 2,
    "vacuum_min_snapshots_to_keep": 1,
    "vacuum_max_snapshot_age_seconds": 432000,
    "vacuum_max_metadata_files_to_keep": 100,
}
"""Whole numbers that statements of upkeep go by, and their defaults; None where it follows from the target size."""


def of_statement(given: Mapping[str, Any]) -> dict[str, str]:
    """Those of TBLPROPERTIES or WITH as they are kept. Raises SqlFailed for what is not known or cannot be honoured."""
    found: dict[str, str] = {}
    for name, value in given.items():
        if name == "table_type":
            if str(value).upper() != "ICEBERG":
                raise _wrong(f"table_type must be ICEBERG; got {value}")
        elif name in _OURS:
            found[_OURS[name]] = _checked(name, str(value))
        elif name in SIZES:
            found[name] = _number(name, str(value))
        else:
            raise _wrong(f"Unsupported table property key: {name}")
    return found


def names_of(given: list[str]) -> list[str]:
    """Names as they are kept. Raises SqlFailed."""
    unknown = [name for name in given if name not in _OURS and name not in SIZES]
    if unknown:
        raise _wrong(f"Unsupported table property key: {unknown[0]}")
    return [_OURS.get(name, name) for name in given]


def shown(kept: Mapping[str, str]) -> dict[str, str]:
    """As SHOW TBLPROPERTIES and SHOW CREATE TABLE tell them."""
    names = {theirs: ours for ours, theirs in _OURS.items()}
    return {"table_type": "iceberg", **{names.get(name, name): value for name, value in kept.items()}}


def number(kept: Mapping[str, str], name: str) -> int:
    """One of SIZES that has a default."""
    return int(kept.get(name) or SIZES[name] or 0)


def _checked(name: str, value: str) -> str:
    if name == "format":
        if value.lower() in ("orc", "avro"):
            raise SqlFailed("NOT_SUPPORTED", f"Iceberg tables with files of {value} are not supported; use parquet")
        if value.lower() != "parquet":
            raise _wrong(f"Invalid value for format: {value}")
        return "parquet"
    if name == "write_compression":
        if value.lower() not in COMPRESSIONS:
            raise _wrong(f"Invalid value for write_compression: {value}; it may be one of {', '.join(COMPRESSIONS)}")
        return value.lower()
    return _number(name, value)


def _number(name: str, value: str) -> str:
    if not value.isdecimal():
        raise _wrong(f"{name} must be a whole number; got {value}")
    return str(int(value))


def _wrong(message: str) -> SqlFailed:
    return SqlFailed("INVALID_TABLE_PROPERTY", message)
