"""CREATE EXTERNAL TABLE, also AS the rows of a query, and DROP TABLE of external tables."""

import re
from typing import TYPE_CHECKING, Any, cast

from lakemill.formats import hive
from lakemill.lakesql.ddl import storage
from lakemill.lakesql.ddl.context import now
from lakemill.lakesql.ddl.locations import checked
from lakemill.lakesql.ddl.tokens import Tokens
from lakemill.lakesql.dialects.redshift import names
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Document, Lake, LakeRefused
from lakemill.lakesql.types import Type
from lakemill.warehouse import rights
from lakemill.warehouse.loading.words import Words
from lakemill.warehouse.results import Result
from lakemill.warehouse.spectrum import inserting
from lakemill.warehouse.spectrum.errors import told
from lakemill.warehouse.spectrum.lakes import of_schema, opened, outside_of_block

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

_UNHONOURED = (
    *("data_cleansing_enabled", "invalid_char_handling", "replacement_char", "numeric_overflow_handling"),
    *("surplus_bytes_handling", "surplus_char_handling", "column_count_mismatch_handling", "write.kms.key.id"),
    *("write.maxfilesize.mb", "write.parallel", "column_to_field_mapping", "bucketing_version", "field.delim"),
)
_HIVE_NAMES = {"integer": "int", "real": "float", "varbyte": "binary", "boolean": "boolean"}
_FORMATS = {"RCFILE": "RCFILE", "SEQUENCEFILE": "SEQUENCEFILE"}


def create(session: "Session", words: Words) -> Result:
    """After CREATE EXTERNAL TABLE. Raises SqlFailed."""
    schema, name = qualified(words)
    outside_of_block(session, "CREATE EXTERNAL TABLE")
    external = of_schema(session, schema)
    rights.require(session, "schema", session.store.get("schema", schema, session.database), schema, "CREATE")
    with told(f'relation "{schema}.{name}"'):
        columns = _columns(words) if words.peek() == "(" else []
        document, query, keys = _clauses(words, name, columns)
        if query:
            return _create_as(session, external, document, query, keys)
        _check(document)
        with opened(session, external) as lake:
            _refuse_manifest(lake, document["StorageDescriptor"]["Location"])
            lake.create_table(external["database"], document)
    return Result("CREATE EXTERNAL TABLE")


def qualified(words: Words) -> tuple[str, str]:
    """A table's schema and name. Raises SqlFailed."""
    parts = words.qualified()
    if len(parts) < 2:
        raise SqlFailed("42601", f'the external table "{parts[0]}" needs the name of its schema')
    return parts[-2], parts[-1]


def drop_table(session: "Session", parts: tuple[str, ...], lenient: bool) -> None:
    """Take a table out of the catalog; its files stay. Raises SqlFailed."""
    outside_of_block(session, "DROP EXTERNAL TABLE")
    schema, name = parts[-2], parts[-1]
    external = of_schema(session, schema)
    rights.require(session, "schema", session.store.get("schema", schema, session.database), schema, "DROP")
    with told(f'relation "{schema}.{name}"'), opened(session, external) as lake:
        try:
            lake.drop_table(external["database"], name)
        except LakeRefused as refused:
            if refused.code != "EntityNotFoundException" or not lenient:
                raise
            session.notices.append(f'INFO:  Table "{name}" does not exist and will be skipped')


def properties(words: Words) -> dict[str, str]:
    """(...) of TABLE PROPERTIES. Raises SqlFailed for those that would have no effect."""
    found = words.properties()
    for name, value in found.items():
        harmless = name == "data_cleansing_enabled" and value.lower() == "false"
        if name.lower() in _UNHONOURED and not harmless:
            raise SqlFailed("0A000", f"the table property '{name}' is not supported")
    schema_resolution = found.get("orc.schema.resolution")
    if schema_resolution is not None:
        if schema_resolution not in ("position", "name"):
            raise SqlFailed("XX000", f"orc.schema.resolution must be position or name, not '{schema_resolution}'")
        found["orc.column.index.access"] = "true" if schema_resolution == "position" else "false"
    if not found.get("numRows", "0").isdecimal():
        raise SqlFailed("XX000", f"numRows must be a number, not '{found['numRows']}'")
    return found


def descriptor(words: Words, stored: storage.Storage) -> None:
    """After STORED AS. Raises SqlFailed."""
    if words.peek() in _FORMATS:
        raise SqlFailed("0A000", f"STORED AS {words.peek()} is not supported")
    storage.stored_as(cast(Tokens, words), stored)


def _columns(words: Words) -> list[Document]:
    words.expect("(")
    found = []
    while True:
        name = words.name()
        found.append({"Name": name, "Type": hive_type(_written(words))})
        if not words.take(","):
            words.expect(")")
            return found


def _written(words: Words) -> str:
    """The text of a type: up to the comma or parenthesis that ends the column."""
    depth, pieces = 0, []
    while not words.ended():
        word = words.peek()
        if depth == 0 and word in (",", ")"):
            break
        depth += {"(": 1, "<": 1, ")": -1, ">": -1}.get(word, 0)
        pieces.append(words.raw())
    return " ".join(pieces)


def hive_type(written: str) -> str:
    """A type as the catalog has it. Raises SqlFailed.

    >>> hive_type("double precision"), hive_type("varchar ( 20 )"), hive_type("array < int >")
    ('double', 'varchar(20)', 'array<int>')
    """
    if "<" in written:
        try:
            return str(hive.parse(written.replace(" ", "").lower()))
        except hive.TypeUnknown:
            raise SqlFailed("42704", f'type "{written.lower()}" does not exist') from None
    if written.lower() in ("string", "binary"):
        return written.lower()
    type = names.of_text(re.sub(r"\s*([(),])\s*", r"\1", written))
    return hive_of(type)


def hive_of(type: Type) -> str:
    """Raises SqlFailed for a type that external tables cannot have."""
    if type.name in ("char", "varchar") or type.name == "decimal":
        length = type.args or (65535,)
        return f"{type.name}({','.join(map(str, length))})"
    if type.name in ("smallint", "bigint", "double", "date", "timestamp"):
        return type.name
    if type.name in _HIVE_NAMES:
        return _HIVE_NAMES[type.name]
    raise SqlFailed("0A000", f"a column of type {names.shown(type)} is not supported in an external table")


def _clauses(words: Words, name: str, columns: list[Document]) -> tuple[Document, str, list[str]]:
    """The document of the table, the query of AS or an empty text, and the names of its partition keys."""
    stored, document, query = storage.Storage(), _empty(name, columns), ""
    keys: list[str] = []
    while not words.ended():
        if words.take("PARTITIONED", "BY"):
            if columns:
                document["PartitionKeys"] = _columns(words)
            else:
                keys = words.names()
        elif words.take("ROW", "FORMAT"):
            storage.row_format(cast(Tokens, words), stored)
        elif words.take("STORED", "AS"):
            descriptor(words, stored)
        elif words.take("LOCATION"):
            document["StorageDescriptor"]["Location"] = checked(words.string())
        elif words.take("TABLE", "PROPERTIES"):
            document["Parameters"].update(properties(words))
        elif words.take("AS"):
            query = words.rest()
        else:
            raise words.wrong()
    document["StorageDescriptor"].update(stored.descriptor())
    if not document["StorageDescriptor"].get("Location"):
        raise SqlFailed("42601", "CREATE EXTERNAL TABLE needs a LOCATION")
    if bool(query) == bool(columns):
        raise SqlFailed("42601", "CREATE EXTERNAL TABLE needs either columns or AS and a query")
    return document, query, keys


def _empty(name: str, columns: list[Document]) -> Document:
    return {
        "Name": name,
        "Owner": "hadoop",
        "Retention": 0,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [],
        "Parameters": {"EXTERNAL": "TRUE", "transient_lastDdlTime": now()},
        "StorageDescriptor": {
            "Columns": columns,
            "Compressed": False,
            "NumberOfBuckets": -1,
            "BucketColumns": [],
            "SortColumns": [],
            "Parameters": {},
            "StoredAsSubDirectories": False,
        },
    }


def _check(document: Document) -> None:
    columns = [*document["StorageDescriptor"]["Columns"], *document["PartitionKeys"]]
    names_ = [column["Name"] for column in columns]
    for place, name in enumerate(names_):
        if name in names_[:place]:
            raise SqlFailed("42701", f'column "{name}" specified more than once')


def _refuse_manifest(lake: Lake, location: str) -> None:
    there = None if location.endswith("/") else next(lake.objects(location), None)
    if there is not None and there.uri == location:
        raise SqlFailed("0A000", f"LOCATION of a manifest is not supported: {location} is an object, not a folder")


def _create_as(session: "Session", external: dict[str, Any], document: Document, query: str, keys: list[str]) -> Result:
    compiled = inserting.compiled(session, query)
    columns = compiled.columns or []
    listed = {name: {"Name": name, "Type": hive_of(_stored(type))} for name, type in columns}
    for key in keys:
        if key not in listed:
            raise SqlFailed("42703", f'column "{key}" of PARTITIONED BY is not in the query')
    document["StorageDescriptor"]["Columns"] = [one for name, one in listed.items() if name not in keys]
    document["PartitionKeys"] = [listed[key] for key in keys]
    _check(document)
    if len(listed) != len(columns):
        raise SqlFailed("42701", "CREATE EXTERNAL TABLE AS needs columns of different names")
    count = inserting.made(session, external, document, compiled)
    return Result("SELECT", rows=count)


def _stored(type: Type) -> Type:
    return Type("varchar", (65535,)) if type.name in ("unknown", "super") else type
