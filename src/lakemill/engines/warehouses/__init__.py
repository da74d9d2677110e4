"""Warehouses: databases of SQL, each set in a process of its own, with snapshots, credentials and statements."""

from lakemill.engines.warehouses.document import KIND, SNAPSHOT, new_warehouse
from lakemill.engines.warehouses.engine import Warehouses
from lakemill.engines.warehouses.errors import (
    NoResult,
    NotRunning,
    ProcessDied,
    SessionBusy,
    SessionMissing,
    SnapshotMissing,
    SnapshotUnusable,
    SqlFailed,
    StatementEnded,
    StatementMissing,
    StatementRunning,
    StateWrong,
    TokenTaken,
    TooManyActive,
    WarehouseError,
)
from lakemill.engines.warehouses.sessions import Session
from lakemill.engines.warehouses.statement import Part, Statement

__all__ = [
    "KIND",
    "SNAPSHOT",
    "NoResult",
    "NotRunning",
    "Part",
    "ProcessDied",
    "Session",
    "SessionBusy",
    "SessionMissing",
    "SnapshotMissing",
    "SnapshotUnusable",
    "SqlFailed",
    "StateWrong",
    "Statement",
    "StatementEnded",
    "StatementMissing",
    "StatementRunning",
    "Statements",
    "TokenTaken",
    "TooManyActive",
    "WarehouseError",
    "Warehouses",
    "new_warehouse",
]
