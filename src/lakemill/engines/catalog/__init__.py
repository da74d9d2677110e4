"""What is in the lake: databases, tables with their versions, partitions, statistics, functions."""

from lakemill.engines.catalog.catalog import Catalog
from lakemill.engines.catalog.entries import Column, Database, Partition, Serde, Table
from lakemill.engines.catalog.errors import (
    CatalogError,
    CurrentVersion,
    DatabaseExists,
    DatabaseMissing,
    DefinitionWrong,
    ExpressionWrong,
    PartitionExists,
    PartitionMissing,
    TableExists,
    TableMissing,
    VersionMissing,
    VersionStale,
)
from lakemill.engines.catalog.partitions import Partitions, Segment

__all__ = [
    "Catalog",
    "CatalogError",
    "Column",
    "CurrentVersion",
    "Database",
    "DatabaseExists",
    "DatabaseMissing",
    "DefinitionWrong",
    "ExpressionWrong",
    "Partition",
    "PartitionExists",
    "PartitionMissing",
    "Partitions",
    "Segment",
    "Serde",
    "Table",
    "TableExists",
    "TableMissing",
    "VersionMissing",
    "VersionStale",
]
