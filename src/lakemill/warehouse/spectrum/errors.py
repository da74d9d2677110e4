"""What reading and changing the lake fails with, in Redshift's words."""

import contextlib
import re
from collections.abc import Iterator

import duckdb

from lakemill.lakesql import errors
from lakemill.lakesql.ddl import DdlFailed
from lakemill.lakesql.errors import MARK, SqlFailed
from lakemill.lakesql.interface import LakeRefused

_PREFIX = re.compile(
    r"^(?:line \d+:\d+: |FAILED: (?:\w+Exception |Execution Error, return code \d+ from \S+ )?(?:\[Error \d+\]: )?)"
)
_DENIED = ("AccessDenied", "AccessDeniedException")


def of_lake(refused: LakeRefused, what: str) -> SqlFailed:
    """A question that the platform refused. what: is named where it is not there."""
    if refused.code == "EntityNotFoundException":
        return SqlFailed("42P01", f"{what} does not exist in the external catalog")
    if refused.code == "AlreadyExistsException":
        return SqlFailed("42P07", f"{what} already exists")
    if refused.code in _DENIED:
        return SqlFailed("42501", f"permission denied for {what}: {refused.message}")
    return SqlFailed("XX000", f"{refused.message} ({refused.code})")


def of_scan(wrong: SqlFailed) -> SqlFailed:
    """A failure of reading files, whose code is Athena's; one that has a SQLSTATE stays."""
    if re.fullmatch(r"[0-9A-Z]{5}", wrong.code):
        return wrong
    if wrong.code == "NOT_SUPPORTED":
        return SqlFailed("0A000", wrong.message)
    if wrong.code == "PERMISSION_DENIED":
        return SqlFailed("XX000", f"S3 Query Exception (Fetch): Access denied: {wrong.message}")
    return SqlFailed(
        "XX000", f"Spectrum Scan Error: {wrong.message}", detail=f"code:      15001\n  context:   {wrong.code}"
    )


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """What the lake, its DDL or its files fail with inside becomes SqlFailed with a SQLSTATE."""
    try:
        yield
    except LakeRefused as refused:
        raise of_lake(refused, what) from None
    except DdlFailed as wrong:
        message = _PREFIX.sub("", str(wrong))
        absent = "not found" in message or "does not exist" in message
        code = "42P07" if "already exists" in message else "42P01" if absent else "XX000"
        raise SqlFailed(code, message) from None
    except SqlFailed as wrong:
        raise of_scan(wrong) from None
    except duckdb.Error as wrong:
        if MARK in str(wrong):
            raise of_scan(errors.of_duckdb(wrong)) from None
        raise
