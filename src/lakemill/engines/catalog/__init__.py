"""What is in the lake: databases, tables with their versions, partitions, statistics, functions."""

from lakemill.engines.catalog.access import Policies, Policy
from lakemill.engines.catalog.catalog import Catalog
from lakemill.engines.catalog.entries import Column, Database, Partition, Serde, Table
from lakemill.engines.catalog.errors import (
    CODES,
    CatalogError,
    CurrentVersion,
    DatabaseExists,
    DatabaseMissing,
    DefinitionWrong,
    ExpressionWrong,
    FunctionExists,
    FunctionMissing,
    PartitionExists,
    PartitionMissing,
    PolicyChanged,
    PolicyMissing,
    StatisticsMissing,
    TableExists,
    TableMissing,
    VersionMissing,
    VersionStale,
)
from lakemill.engines.catalog.functions import Functions
from lakemill.engines.catalog.partitions import Partitions, Segment
from lakemill.engines.catalog.statistics import Statistics
from lakemill.engines.catalog.undo import UndoLog, take_all_back

__all__ = [
    "CODES",
    "Catalog",
    "CatalogError",
    "Column",
    "CurrentVersion",
    "Database",
    "DatabaseExists",
    "DatabaseMissing",
    "DefinitionWrong",
    "ExpressionWrong",
    "FunctionExists",
    "FunctionMissing",
    "Functions",
    "Partition",
    "PartitionExists",
    "PartitionMissing",
    "Partitions",
    "Policies",
    "Policy",
    "PolicyChanged",
    "PolicyMissing",
    "Segment",
    "Serde",
    "Statistics",
    "StatisticsMissing",
    "Table",
    "TableExists",
    "TableMissing",
    "UndoLog",
    "VersionMissing",
    "VersionStale",
    "take_all_back",
]
