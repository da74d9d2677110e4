"""SQL statements on the lake: queued, carried out in processes of their own, remembered with their results."""

from lakemill.engines.queries.cluster import ClusterUnavailable, open_cluster
from lakemill.engines.queries.engine import Queries
from lakemill.engines.queries.errors import (
    ExecutionMissing,
    QueriesError,
    Refused,
    StatementRefused,
    TokenTaken,
    TooManyWaiting,
)
from lakemill.engines.queries.execution import Execution, Request
from lakemill.engines.queries.lake import Rights

__all__ = [
    "ClusterUnavailable",
    "Execution",
    "ExecutionMissing",
    "Queries",
    "QueriesError",
    "Refused",
    "Request",
    "Rights",
    "StatementRefused",
    "TokenTaken",
    "TooManyWaiting",
    "open_cluster",
]
