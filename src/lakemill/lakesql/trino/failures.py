"""Trino's errors in Athena's words: `TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.t' does not exist`."""

import re
from typing import TYPE_CHECKING

from lakemill.lakesql.dialects.relations import CATALOG
from lakemill.lakesql.errors import SqlFailed

if TYPE_CHECKING:
    from lakemill.lakesql.interface import Cluster
    from lakemill.lakesql.trino.client import Error
    from lakemill.lakesql.trino.sending import Text

EXHAUSTED_TYPE, INTERNAL_TYPE, USER_TYPE = 0, 200, 1006
_KINDS = {"INTERNAL_ERROR": (1, INTERNAL_TYPE), "INSUFFICIENT_RESOURCES": (2, EXHAUSTED_TYPE)}
_PLACE = re.compile(r"^line \d+:\d+: ")


class ClusterFailed(SqlFailed):
    """A statement that failed on the cluster. kind: of Trino: USER_ERROR, INTERNAL_ERROR, INSUFFICIENT_RESOURCES,
    EXTERNAL. Fields beside those of SqlFailed: category and type as Athena tells them, retryable."""

    def __init__(
        self,
        code: str,
        message: str,
        line: int | None = None,
        column: int | None = None,
        *,
        kind: str = "USER_ERROR",
        retryable: bool = False,
    ) -> None:
        super().__init__(code, message, line, column)
        self.category, self.type = _KINDS.get(kind, (2, USER_TYPE))
        self.retryable = retryable


def of_error(error: "Error", sent: "Text", cluster: "Cluster") -> SqlFailed:
    """What Athena would say. A cut-off of the scan by Trino itself is one."""
    if error.error_name == "EXCEEDED_SCAN_LIMIT":
        return SqlFailed("BYTES_SCANNED_LIMIT", "Bytes scanned limit was exceeded")
    message = _PLACE.sub("", error.message)
    for name in filter(None, (cluster.catalog, cluster.iceberg)):
        message = re.sub(rf"(?<=['\"\s]){re.escape(name)}\.", f"{CATALOG}.", message)
    line = column = None
    if error.error_location is not None:
        line, column = sent.place(error.error_location.line_number, error.error_location.column_number)
    retryable = error.error_type == "INSUFFICIENT_RESOURCES"
    return ClusterFailed(error.error_name, message, line, column, kind=error.error_type, retryable=retryable)
