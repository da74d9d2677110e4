"""JDBC targets of crawlers: a connection's URL and an include path."""

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from lakemill.engines.crawling import DatabaseTarget, matcher
from lakemill.services.glue import shapes

ENGINES = ("postgresql", "sqlite")
_URL = re.compile(r"jdbc:([a-z0-9+.\-]+):(.+)", re.DOTALL | re.IGNORECASE)
_REFUSED = {"EnableAdditionalMetadata": "columns are told with their Hive types only"}


def check(given: Mapping[str, Any]) -> None:
    """Raise a ServiceError unless a JdbcTarget can be honoured, whatever its connection."""
    shapes.refuse(given, _REFUSED)
    if not given.get("ConnectionName"):
        raise shapes.invalid("ConnectionName of a JDBC target must be given.")
    if len([part for part in given.get("Path", "").split("/") if part]) not in (2, 3):
        raise shapes.invalid(
            f"Path of a JDBC target must be database/schema/table or database/table; got {given.get('Path', '')!r}."
        )
    matcher(given.get("Exclusions", []))


def target(given: Mapping[str, Any], properties: Mapping[str, str]) -> DatabaseTarget:
    """What a crawl reads. Raises ServiceError InvalidInputException."""
    engine, place = _parts(properties["JDBC_CONNECTION_URL"])
    database, *pattern = [part for part in given["Path"].split("/") if part]
    if engine == "sqlite":
        there = PurePath(place).stem
        if len(pattern) != 1:
            raise shapes.invalid(f"Path of a target of sqlite must be {there}/table; got {given['Path']!r}.")
    else:
        there = urlsplit(place).path.lstrip("/")
        pattern = pattern if len(pattern) == 2 else [*pattern, "%"]
    if database != there:
        raise shapes.invalid(f"Path {given['Path']!r} names the database {database}; the connection's is {there}.")
    return DatabaseTarget(
        connection=given["ConnectionName"],
        engine=engine,
        place=place,
        user=properties.get("USERNAME", ""),
        password=properties.get("PASSWORD", ""),
        ssl=properties.get("JDBC_ENFORCE_SSL", "false").lower() == "true",
        database=database,
        pattern=tuple(pattern),
        exclusions=tuple(given.get("Exclusions", [])),
    )


def _parts(url: str) -> tuple[str, str]:
    """(engine, the rest) of a JDBC URL.

    >>> _parts("jdbc:postgresql://db:5432/shop")
    ('postgresql', '//db:5432/shop')
    """
    found = _URL.fullmatch(url)
    engine = found[1].lower() if found else url
    if found is None or engine not in ENGINES:
        raise shapes.invalid(f"JDBC targets of {engine} are not supported: crawlers read {' and '.join(ENGINES)}.")
    return engine, found[2]
