"""JSON: objects one after another, or in one array; matched to columns by their keys, or by paths."""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import sql
from lakemill.warehouse.loading.inputs import Input, Relations, Tried, batch
from lakemill.warehouse.loading.sources import ROW_BYTES_MAX, Object
from lakemill.warehouse.loading.statement import Copy

_STEP = re.compile(r"\[\s*'((?:[^'\\]|\\.)*)'\s*\]|\[\s*\"((?:[^\"\\]|\\.)*)\"\s*\]|\.([^.\[\]'\"\s]+)|\[(\d+)\]")
_SPACE = re.compile(r"\s*(?:,\s*)?")
_PIECE = 4 << 20
_MANY = 4096


class Documents(Input):
    """Files of JSON. columns: names of those that are loaded; super: which of them take values as they are."""

    def __init__(
        self, objects: list[Object], copy: Copy, columns: list[str], supers: list[bool], paths: str,
        connection: duckdb.DuckDBPyConnection,
    ) -> None:  # fmt: skip
        self._objects, self._copy = objects, copy
        if copy.mode == "noshred":
            found = ["CAST(json AS VARCHAR)"]
        elif paths:
            found = [_field(step, whole) for step, whole in zip(_of_file(paths, len(columns)), supers, strict=True)]
        else:
            keys = [[name] for name in columns]
            if copy.mode == "auto ignorecase":
                known = _keys(objects, connection)
                keys = [[key for key in known if key.lower() == name.lower()] for name in columns]
            found = [_any_of(some, whole) for some, whole in zip(keys, supers, strict=True)]
        super().__init__(found)

    def quick(self, relations: Relations) -> str | None:
        return _relation(self._objects)

    def precise(self, connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Object, pa.Table]]:
        for one in self._objects:
            some: list[Tried] = []
            for tried in _records(one.path):
                some.append(tried)
                if len(some) == _MANY:
                    yield one, _table(some)
                    some = []
            if some:
                yield one, _table(some)


def _relation(objects: list[Object]) -> str:
    there = [one.path for one in objects if one.size]
    arrays = [path for path in there if _is_array(path)]
    kinds = {"array": arrays, "unstructured": [path for path in there if path not in arrays]}
    selects = [_select(paths, kind) for kind, paths in kinds.items() if paths]
    return f"({' UNION ALL '.join(selects) or 'SELECT NULL::JSON AS json WHERE false'})"


def _select(paths: list[str], kind: str) -> str:
    listed = ", ".join(map(sql.text, paths))
    told = f"format = '{kind}', compression = 'uncompressed', maximum_object_size = {ROW_BYTES_MAX}"
    return f"SELECT json FROM read_json_objects([{listed}], {told})"


def _is_array(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(1 << 16).lstrip().startswith(b"[")


def _table(some: list[Tried]) -> pa.Table:
    return batch(some, {"json": [one.raw if one.problem is None else "{}" for one in some]})


def _field(path: str, whole: bool) -> str:
    function = "json_extract" if whole else "json_extract_string"
    found = f"{function}(json, {sql.text(path)})"
    return f"CASE WHEN json_type({found}) <> 'NULL' THEN CAST({found} AS VARCHAR) END" if whole else found


def _any_of(keys: list[str], whole: bool) -> str:
    fields = [_field(f"$.{_quoted(key)}", whole) for key in keys]
    if len(fields) < 2:
        return fields[0] if fields else "NULL::VARCHAR"
    return f"coalesce({', '.join(fields)})"


def _quoted(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _of_file(document: str, count: int) -> list[str]:
    """The paths of a file of JSONPaths, as DuckDB writes them. Raises SqlFailed."""
    try:
        paths = json.loads(document)["jsonpaths"]
        if not isinstance(paths, list) or not all(isinstance(one, str) for one in paths):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise SqlFailed("XX000", 'Invalid JSONPaths file: it must be {"jsonpaths": ["$.a", ...]}') from None
    if len(paths) != count:
        said = f"JSONPath size: {len(paths)}, Number of columns in table or column list: {count}"
        raise SqlFailed("XX000", f"Number of jsonpaths and the number of columns should match. {said}")
    return [translated(path) for path in paths]


def translated(path: str) -> str:
    """A path of Redshift for DuckDB. Raises SqlFailed.

    >>> translated("$['a']['b c'][0]"), translated("$.a.b")
    ('$."a"."b c"[0]', '$."a"."b"')
    """
    found, at = "$", 1
    while path.startswith("$") and at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            break
        key = step[1] if step[1] is not None else step[2] if step[2] is not None else step[3]
        found += f"[{step[4]}]" if step[4] is not None else f".{_quoted(key)}"
        at = step.end()
    if not path.startswith("$") or at < len(path):
        raise SqlFailed("XX000", f"Invalid JSONPath format: {path}")
    return found


def _keys(objects: list[Object], connection: duckdb.DuckDBPyConnection) -> list[str]:
    """All keys of the first level, in the order of their letters."""
    query = f"SELECT DISTINCT unnest(json_keys(json)) AS key FROM {_relation(objects)} WHERE json_type(json) = 'OBJECT'"
    try:
        return [key for (key,) in connection.execute(f"{query} ORDER BY key").fetchall()]
    except duckdb.Error:  # Something in it is no JSON, which the precise way will find.
        found: set[str] = set()
        for one in objects:
            for tried in _records(one.path):
                found |= set(json.loads(tried.raw)) if tried.problem is None else set()
        return sorted(found)


def _records(path: str) -> Iterator[Tried]:
    """The objects of a file with their lines; one that cannot be read is the last."""
    decoder = json.JSONDecoder(parse_constant=_refuse)
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        text, line, array = file.read(_PIECE), 1, False
        ended = len(text) < _PIECE
        if (opening := text.lstrip()).startswith("["):
            line, text, array = line + text[: len(text) - len(opening)].count("\n"), opening[1:], True
        at = 0
        while True:
            begin = _after_space(text, at)
            if begin < len(text) and not (array and text[begin] == "]"):
                line, at = line + text.count("\n", at, begin), begin
                try:
                    value, end = decoder.raw_decode(text, begin)
                    raw = text[begin:end]
                    raw.encode()
                    problem = None if isinstance(value, dict) else (1224, "Invalid value: an object is expected")
                    yield Tried(line, raw, problem)
                    line, at = line + raw.count("\n"), end
                    continue
                except (ValueError, RecursionError) as wrong:
                    if ended or len(text) - begin > 2 * ROW_BYTES_MAX:
                        said = text[begin:].split("\n", 1)[0].encode("utf-8", "replace").decode()
                        yield Tried(line, said, (1224, _invalid(wrong)))
                        return
            if ended:
                return
            piece = file.read(_PIECE)
            text, at, ended = text[at:] + piece, 0, len(piece) < _PIECE


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _invalid(wrong: Exception) -> str:
    return f"Invalid value: {str(wrong).split(':')[0]}"


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
