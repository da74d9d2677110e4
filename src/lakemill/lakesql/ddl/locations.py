"""Locations that a table may have."""

import re

from lakemill.lakesql.ddl.errors import DdlFailed

_LOCATION = re.compile(r"s3://[a-z0-9][a-z0-9.\-]+(/.*)?", re.S)


def checked(location: str) -> str:
    """The location. Raises DdlFailed where it cannot be that of a table.

    >>> checked("s3://lake/sales/")
    's3://lake/sales/'
    """
    if location.startswith(("s3a://", "s3n://")) or not _LOCATION.fullmatch(location):
        raise DdlFailed(
            f"FAILED: SemanticException [Error 10024]: Invalid location, it must begin with s3://: {location}"
        )
    if "*" in location:
        raise DdlFailed(f"FAILED: SemanticException Invalid location, wildcards are not allowed: {location}")
    return location
