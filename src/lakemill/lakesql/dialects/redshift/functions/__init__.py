"""Redshift's functions. What is not here cannot be called."""

from functools import cache
from typing import Any


@cache
def families() -> dict[str, Any]:
    """Everything the families tell, put together, as `dialects.functions.registry.families`.

    words: functions that are called without parentheses.
    """
    from lakemill.lakesql.dialects.redshift.functions import (
        aggregates,
        catalog,
        choices,
        dates,
        formats,
        hashes,
        numbers,
        refused,
        strings,
        supers,
        system,
        windows,
    )

    made: dict[str, Any] = {"table": {}, "rules": {}, "words": set()}
    for family in (strings, hashes, numbers, dates, formats, choices, supers, system, catalog):
        for name, overloads in getattr(family, "TABLE", {}).items():
            made["table"].setdefault(name, []).extend(overloads)
        made["rules"] |= getattr(family, "RULES", {})
        made["words"] |= getattr(family, "WORDS", set())
    made |= {"aggregates": aggregates.AGGREGATES, "windows": windows.WINDOWS, "refused": refused.REFUSED}
    return made
