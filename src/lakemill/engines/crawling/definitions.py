"""Definitions of tables and partitions for the catalog, as crawlers write them."""

import hashlib
import json
import re
from typing import Any

from lakemill.engines.crawling.databases import DatabaseTable
from lakemill.engines.crawling.grouping import Found, Leaf, partition_values
from lakemill.engines.crawling.plan import DatabaseTarget, Plan, Seen, Target

NAME_MAX = 128
UPDATED_BY, DEPRECATED_BY = "UPDATED_BY_CRAWLER", "DEPRECATED_BY_CRAWLER"
_BY_NAME = ("parquet", "avro", "json", "bson", "xml")
"""Formats whose columns are found by their names."""
Definition = dict[str, Any]


def table_name(plan: Plan, target: Target | DatabaseTarget, path: str) -> str:
    """A table's name: that of its folder or file, or all names of a database's, after the prefix.

    >>> table_name(Plan("c", "s", "d", (), lambda action, resource: None), Target("b", ""), "lake/Sales 2024/")
    'sales_2024'
    """
    if isinstance(target, DatabaseTarget):
        last = target.location_of(path)
    else:
        last = path.rstrip("/").rpartition("/")[2] or target.bucket
    return re.sub(r"[^a-z0-9_]", "_", (plan.table_prefix + last).lower())[:NAME_MAX]


def distinct_name(name: str, location: str) -> str:
    """A name for a table whose own is taken: with a hash of its location."""
    digest = hashlib.md5(location.encode(), usedforsecurity=False).hexdigest()
    return f"{name[: NAME_MAX - 33]}_{digest}"


def table(plan: Plan, target: Target | DatabaseTarget, found: Found | DatabaseTable, name: str) -> Definition:
    """The definition of a table."""
    if isinstance(target, DatabaseTarget):
        assert isinstance(found, DatabaseTable)
        return _of_database(plan, target, found, name)
    assert isinstance(found, Found)
    location = target.location_of(found.path)
    columns = [{"name": column, "type": type} for column, type in columns_beside(found.seen, found.keys)]
    parameters = _parameters(found.seen, found.count, found.bytes) | {
        "CrawlerSchemaSerializerVersion": "1.0",
        "CrawlerSchemaDeserializerVersion": "1.0",
        UPDATED_BY: plan.crawler,
    }
    if target.exclusions:
        parameters["exclusions"] = json.dumps(list(target.exclusions), separators=(",", ":"))
    return {
        "name": name,
        "owner": "owner",
        "retention": 0,
        "storage_descriptor": _storage(found.seen, columns, location) | {"parameters": parameters},
        "partition_keys": [{"name": key, "type": "string"} for key in found.keys],
        "table_type": "EXTERNAL_TABLE",
        "parameters": parameters,
    }


def _of_database(plan: Plan, target: DatabaseTarget, found: DatabaseTable, name: str) -> Definition:
    parameters = {
        "classification": target.engine,
        "compressionType": "none",
        "connectionName": target.connection,
        "typeOfData": found.kind,
        "CrawlerSchemaSerializerVersion": "1.0",
        "CrawlerSchemaDeserializerVersion": "1.0",
        UPDATED_BY: plan.crawler,
    }
    seen = Seen(classification=target.engine, input_format="", output_format="")
    columns = [{"name": column, "type": type} for column, type in found.columns]
    storage = _storage(seen, columns, target.location_of(found.path))
    return {
        "name": name,
        "owner": "owner",
        "retention": 0,
        "storage_descriptor": storage | {"parameters": parameters},
        "partition_keys": [],
        "table_type": "EXTERNAL_TABLE",
        "parameters": parameters,
    }


def partition(plan: Plan, target: Target, found: Found, leaf: Leaf, columns: list[Definition] | None) -> Definition:
    """The definition of a partition. columns: those of its table, if it is to have them."""
    seen = found.seen if columns is not None else leaf.seen
    if columns is None:
        columns = [{"name": column, "type": type} for column, type in columns_beside(leaf.seen, found.keys)]
    parameters = _parameters(leaf.seen, leaf.count, leaf.bytes) | {
        "CrawlerSchemaSerializerVersion": "1.0",
        "CrawlerSchemaDeserializerVersion": "1.0",
    }
    storage = _storage(seen, columns, target.location_of(leaf.path))
    storage["compressed"] = leaf.seen.compression != "none"
    return {
        "values": partition_values(leaf.names, found.keys),
        "storage_descriptor": storage | {"parameters": parameters},
        "parameters": parameters,
    }


def columns_beside(seen: Seen, keys: list[str]) -> list[tuple[str, str]]:
    """Columns without those that are partition keys: left out where columns have names, else renamed.

    >>> columns_beside(Seen(classification="csv", columns=(("day", "string"), ("n", "bigint"))), ["day"])
    [('day_1', 'string'), ('n', 'bigint')]
    """
    taken = set(keys) & {name for name, _ in seen.columns}
    if not taken:
        return list(seen.columns)
    if seen.classification in _BY_NAME:
        return [one for one in seen.columns if one[0] not in taken]
    names = {name for name, _ in seen.columns} | set(keys)
    result = []
    for name, type in seen.columns:
        if name in taken:
            number = next(one for one in range(1, len(names) + 1) if f"{name}_{one}" not in names)
            name = f"{name}_{number}"
        result.append((name, type))
    return result


def _parameters(seen: Seen, count: int, size: int) -> dict[str, str]:
    records = round(size * seen.records / seen.bytes) if seen.bytes else 0
    return seen.parameters | {
        "classification": seen.classification,
        "compressionType": seen.compression,
        "typeOfData": "file",
        "recordCount": str(records),
        "averageRecordSize": str(max(1, round(seen.record_bytes)) if records else 0),
        "objectCount": str(count),
        "sizeKey": str(size),
    }


def _storage(seen: Seen, columns: list[Definition], location: str) -> Definition:
    serde: Definition = {"parameters": seen.serde_parameters}
    if seen.serde:
        serde = {"serialization_library": seen.serde} | serde
    storage = {
        "columns": columns,
        "location": location,
        "input_format": seen.input_format,
        "output_format": seen.output_format,
        "compressed": seen.compression != "none",
        "number_of_buckets": -1,
        "serde_info": serde,
        "bucket_columns": [],
        "sort_columns": [],
        "stored_as_sub_directories": False,
    }
    return {name: one for name, one in storage.items() if one != ""}
