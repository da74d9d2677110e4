"""Partition keys taken out of JSON records by a jq query. Runs in a worker process.

The query is one object, `{customer: .customer_id, day: (.time | strftime("%F"))}`; its values are the keys. Where all
values are plain paths, as most are, jq is asked only about records that are out of the ordinary: it takes several times
as long. (`grouping.py` reads such paths by the block, and comes here with what is left.)
"""

import functools
import re
from collections.abc import Sequence
from typing import Any

import msgspec


class QueryInvalid(ValueError):
    """jq does not take the query; the text is jq's."""


# A query reads nothing but its record; its text is looked at without what stands in quotes.
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_FILES = re.compile(r"(?<![.\w$])(import|include)\b(?!\s*:)")
# Names that begin with two underscores may mean something else to jq.
_ENTRY = r"\s*((?!__)[A-Za-z_][A-Za-z0-9_]*)\s*:\s*((?:\.[A-Za-z_][A-Za-z0-9_]*)+)\s*"
_PATHS = re.compile(rf"\s*\{{{_ENTRY}(?:,{_ENTRY})*\}}\s*\Z", re.ASCII)
_EXACT = 1 << 53
"""Whole numbers below it are the same to jq, which takes them for doubles."""
_decode = msgspec.json.Decoder().decode


@functools.lru_cache(64)
def _compiled(query: str) -> Any:
    import jq

    return jq.compile(query)


def check(query: str) -> None:
    """Raises QueryInvalid."""
    if "modulemeta" in query or _FILES.search(_QUOTED.sub('""', query)):
        raise QueryInvalid("a query cannot import or include others")
    try:
        _compiled(query)
    except ValueError as wrong:
        raise QueryInvalid(str(wrong)) from None
    except ImportError:
        raise QueryInvalid("the package jq is not installed") from None


def is_stable(query: str) -> bool:
    """Whether it gives the same keys for the same record at any time."""
    return re.search(r"(?<![.\w$])(now|input_line_number|localtime|mktime|strflocaltime)\b", query) is None


def keys_of(query: str, names: Sequence[str], values: Sequence[bytes]) -> list[tuple[str, ...] | str]:
    """For each JSON document the keys of these names in order, as text; or why there are none, in words."""
    program, paths = _compiled(query), paths_of(query)
    same: dict[tuple[str, ...] | str, tuple[str, ...] | str] = {}
    """What is equal becomes one object: it goes to the other process once."""
    found = []
    for value in values:
        keys = (_plain_keys(paths, names, value) if paths else None) or _keys(program, names, value)
        found.append(same.setdefault(keys, keys))
    return found


@functools.lru_cache(64)
def paths_of(query: str) -> dict[str, list[str]] | None:
    """The members to follow for each value of a query that has nothing but paths."""
    if not _PATHS.match(query):
        return None
    entries = re.findall(_ENTRY, query, re.ASCII)
    paths = {name: path.split(".")[1:] for name, path in entries}
    return paths if len(paths) == len(entries) else None


def _plain_keys(paths: dict[str, list[str]], names: Sequence[str], value: bytes) -> tuple[str, ...] | None:
    """The keys of a record; None if jq is to decide, or to say what is wrong."""
    try:
        document = _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    found: dict[str, str] = {}
    for name, path in paths.items():
        one = document
        for member in path:
            if type(one) is not dict:
                return None
            one = one.get(member)
        if type(one) is int and -_EXACT < one < _EXACT:
            found[name] = str(one)
        elif type(one) is str and one and "\0" not in one:
            found[name] = one
        elif type(one) is bool:
            found[name] = "true" if one else "false"
        elif name in names:
            return None
    return tuple([found[name] for name in names]) if found.keys() >= set(names) else None


def _keys(program: Any, names: Sequence[str], value: bytes) -> tuple[str, ...] | str:
    try:
        found = program.input_text(value.decode()).all()
    except UnicodeDecodeError:
        return "The record is not UTF-8 text"
    except ValueError as wrong:
        return f"The query failed on the record: {wrong}"
    if len(found) != 1 or not isinstance(found[0], dict):
        return "The query did not give exactly one object for the record"
    keys = []
    for name in names:
        key = _text(found[0].get(name))
        if not key:
            return f"The partition key {name} is null or empty, or is no string or number"
        keys.append(key)
    return tuple(keys)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(int(value)) if value == int(value) else repr(value)
    return value if isinstance(value, str) else ""
