"""ALTER TABLE on partitions, SHOW PARTITIONS and MSCK REPAIR TABLE."""

import re
import urllib.parse
from collections.abc import Sequence

from lakemill.lakesql.ddl import errors
from lakemill.lakesql.ddl.context import Context, now, told
from lakemill.lakesql.ddl.locations import checked
from lakemill.lakesql.ddl.result import Result
from lakemill.lakesql.ddl.tokens import Tokens
from lakemill.lakesql.dialects.model import Comparison
from lakemill.lakesql.interface import Document
from lakemill.lakesql.scans.matching import holds
from lakemill.lakesql.scans.objects import prefix_of

TOGETHER = 100
_SPECIAL = re.compile(r"[\x00-\x1f\"#%'*/:=?\\\x7f{\[\]^]")


def add(tokens: Tokens, context: Context, database: str, name: str) -> Result:
    """ADD [IF NOT EXISTS] PARTITION (key = value, ...) [LOCATION ''] ..."""
    tokens.expect("ADD")
    lenient = tokens.take("IF", "NOT", "EXISTS")
    wanted = []
    while tokens.peek() == "PARTITION":
        values = specification(tokens)
        wanted.append((values, checked(tokens.string()) if tokens.take("LOCATION") else None))
    if not wanted:
        raise tokens.wrong("PARTITION")
    tokens.end()
    table = _partitioned(context, database, name)
    definitions = [definition(table, _ordered(table, values), location) for values, location in wanted]
    for codes in added(context, database, name, definitions):
        for code, one in zip(codes[0], codes[1], strict=True):
            if code == "AlreadyExistsException" and not lenient:
                raise errors.execution(f"Partition already exists: {_listed(one)}", "AlreadyExistsException")
            if code not in (None, "AlreadyExistsException"):
                raise errors.execution(f"The partition {_listed(one)} was not added: {code}")
    return Result("ALTER_TABLE_ADD_PARTITION")


def added(
    context: Context, database: str, name: str, definitions: Sequence[Document]
) -> list[tuple[list[str | None], Sequence[Document]]]:
    """What adding them gave, some at a time: codes, and the definitions they are of."""
    found = []
    for start in range(0, len(definitions), TOGETHER):
        some = definitions[start : start + TOGETHER]
        with told():
            found.append((context.lake.add_partitions(database, name, list(some)), some))
    return found


def drop(tokens: Tokens, context: Context, database: str, name: str) -> Result:
    """DROP [IF EXISTS] PARTITION (key = value, ...), PARTITION (...); also with <>, <, <=, > and >="""
    tokens.expect("DROP")
    lenient = tokens.take("IF", "EXISTS")
    wanted = [_conditions(tokens)]
    while tokens.take(","):
        wanted.append(_conditions(tokens))
    tokens.take("PURGE")
    tokens.end()
    table = _partitioned(context, database, name)
    types = {key["Name"]: key["Type"] for key in table["PartitionKeys"]}
    with told():
        there = [one["Values"] for one in context.lake.partitions(database, name, None)]
    found: list[list[str]] = []
    for conditions in wanted:
        for one in conditions:
            if one.column not in types:
                raise errors.semantic(
                    f"[Error 10098]: Non-Partition column appears in the partition specification: {one.column}"
                )
        matching = [values for values in there if _all_hold(conditions, dict(zip(types, values, strict=True)), types)]
        if not matching and not lenient:
            said = ", ".join(f"{one.column} {one.operator} '{one.values[0]}'" for one in conditions)
            raise errors.semantic(f"[Error 10006]: Partition not found ({said})")
        found += [values for values in matching if values not in found]
    if found:
        with told():
            context.lake.drop_partitions(database, name, found)
    return Result("ALTER_TABLE_DROP_PARTITION")


def rename(tokens: Tokens, context: Context, database: str, name: str, values: dict[str, str]) -> Result:
    """PARTITION (...) RENAME TO PARTITION (...): the values change, the location stays."""
    new = specification(tokens)
    tokens.end()
    table = _partitioned(context, database, name)
    document = _one(context, database, table, values)
    changed = _writable(document)
    changed["Values"] = _ordered(table, new)
    with told():
        others = [one["Values"] for one in context.lake.partitions(database, name, None)]
        if changed["Values"] in others:
            raise errors.execution(f"Unable to rename partition: {changed['Values']} exists", "AlreadyExistsException")
        context.lake.update_partition(database, name, document["Values"], changed)
    return Result("ALTER_TABLE_RENAME_PARTITION")


def move(context: Context, database: str, name: str, values: dict[str, str], location: str) -> Result:
    """PARTITION (...) SET LOCATION"""
    table = _partitioned(context, database, name)
    document = _writable(_one(context, database, table, values))
    document["StorageDescriptor"] = {**document["StorageDescriptor"], "Location": location}
    with told():
        context.lake.update_partition(database, name, document["Values"], document)
    return Result("ALTER_TABLE_SET_LOCATION")


def show(tokens: Tokens, context: Context) -> Result:
    """After SHOW PARTITIONS: name [PARTITION (...)]"""
    database, name = tokens.qualified(context.database)
    some = specification(tokens) if tokens.peek() == "PARTITION" else {}
    tokens.end()
    table = _partitioned(context, database, name)
    keys = [key["Name"] for key in table["PartitionKeys"]]
    with told():
        found = [dict(zip(keys, one["Values"], strict=True)) for one in context.lake.partitions(database, name, None)]
    lines = [path(one) for one in found if all(one.get(key) == value for key, value in some.items())]
    return Result("SHOW_PARTITIONS", ["partition"], sorted(lines), "UTILITY")


def repair(tokens: Tokens, context: Context) -> Result:
    """After MSCK REPAIR TABLE: adds the partitions that Hive's names of folders show; none is removed."""
    database, name = tokens.qualified(context.database)
    tokens.end()
    table = _partitioned(context, database, name)
    keys = [key["Name"] for key in table["PartitionKeys"]]
    root = prefix_of(table["StorageDescriptor"]["Location"])
    with told():
        known = {tuple(one["Values"]) for one in context.lake.partitions(database, name, None)}
        folders = _folders(context, root, keys)
    absent = {values: folder for values, folder in folders.items() if values not in known}
    definitions = [definition(table, list(values), root + folder) for values, folder in absent.items()]
    outcomes = added(context, database, name, definitions)
    if not absent:
        return Result("MSCK_REPAIR_TABLE")
    lines = ["Partitions not in metastore:\t" + "\t".join(f"{name}:{folder.rstrip('/')}" for folder in absent.values())]
    for codes, some in outcomes:
        for code, one in zip(codes, some, strict=True):
            if code is None:
                folder = absent[tuple(one["Values"])].rstrip("/")
                lines.append(f"Repair: Added partition to metastore {name}:{folder}")
    return Result("MSCK_REPAIR_TABLE", ["repair"], lines)


def specification(tokens: Tokens) -> dict[str, str]:
    """PARTITION (key = value, ...)"""
    return {one.column: one.values[0] for one in _conditions(tokens, ("=",))}


def definition(table: Document, values: list[str], location: str | None) -> Document:
    """The document of a new partition; without a location, where Hive puts it."""
    descriptor = {**table["StorageDescriptor"]}
    if location is None:
        keys = [key["Name"] for key in table["PartitionKeys"]]
        location = f"{prefix_of(descriptor['Location'])}{path(dict(zip(keys, values, strict=True)))}/"
    descriptor["Location"] = location
    return {"Values": values, "StorageDescriptor": descriptor, "Parameters": {"transient_lastDdlTime": now()}}


def path(values: dict[str, str]) -> str:
    """A partition as Hive names its folder.

    >>> path({"day": "2024-02-29", "at": "12:00"})
    'day=2024-02-29/at=12%3A00'
    """
    return "/".join(f"{_escaped(key)}={_escaped(value)}" for key, value in values.items())


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda match: f"%{ord(match[0]):02X}", text)


def _conditions(tokens: Tokens, operators: Sequence[str] = ("=", "<>", "!=", "<=", ">=", "<", ">")) -> list[Comparison]:
    tokens.expect("PARTITION", "(")
    found = []
    while True:
        key = tokens.name()
        operator = next((one for one in operators if tokens.take(one)), None)
        if operator is None:
            raise tokens.wrong("=")
        found.append(Comparison(key, {"!=": "<>"}.get(operator, operator), [tokens.literal()]))
        if not tokens.take(","):
            tokens.expect(")")
            return found


def _all_hold(conditions: Sequence[Comparison], values: dict[str, str], types: dict[str, str]) -> bool:
    return all(holds(one, values[one.column], types[one.column]) for one in conditions)


def _partitioned(context: Context, database: str, name: str) -> Document:
    table = context.table(database, name)
    if not table.get("PartitionKeys"):
        raise errors.semantic(f"[Error 10241]: Table {name} is not a partitioned table")
    return table


def _listed(partition: Document) -> str:
    return f"[{', '.join(partition['Values'])}]"


def _ordered(table: Document, values: dict[str, str]) -> list[str]:
    keys = [key["Name"] for key in table["PartitionKeys"]]
    if set(keys) != set(values):
        told = ", ".join(f"{key}={value}" for key, value in values.items())
        raise errors.semantic(f"partition spec {{{told}}} does not have a value for each of the keys {', '.join(keys)}")
    return [values[key] for key in keys]


def _one(context: Context, database: str, table: Document, values: dict[str, str]) -> Document:
    wanted = _ordered(table, values)
    with told():
        there = context.lake.partitions(database, table["Name"], None)
    found = next((one for one in there if one["Values"] == wanted), None)
    if found is None:
        raise errors.semantic(f"[Error 10006]: Partition not found {values}")
    return found


def _writable(document: Document) -> Document:
    kept = ("Values", "LastAccessTime", "StorageDescriptor", "Parameters", "LastAnalyzedTime")
    return {key: value for key, value in document.items() if key in kept}


def _folders(context: Context, root: str, keys: Sequence[str]) -> dict[tuple[str, ...], str]:
    """Values, and the folder below the root, of everything that has the form key=value/key=value/..."""
    found: dict[tuple[str, ...], str] = {}
    for source in context.lake.objects(root):
        parts = source.uri[len(root) :].split("/")[: len(keys)]
        pairs = [part.partition("=") for part in parts]
        if len(source.uri[len(root) :].split("/")) > len(keys) and [pair[0] for pair in pairs] == list(keys):
            values = tuple(urllib.parse.unquote(pair[2]) for pair in pairs)
            found.setdefault(values, "/".join(parts) + "/")
    return found
