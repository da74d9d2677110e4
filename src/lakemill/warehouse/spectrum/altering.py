"""ALTER TABLE of external tables: partitions, location, file format, properties."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lakemill.lakesql.ddl import partitions, storage
from lakemill.lakesql.ddl.context import Context, now, without_read_only
from lakemill.lakesql.ddl.locations import checked
from lakemill.lakesql.ddl.tokens import Tokens
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Document
from lakemill.warehouse import rights
from lakemill.warehouse.loading.words import Words
from lakemill.warehouse.results import Result
from lakemill.warehouse.spectrum import making
from lakemill.warehouse.spectrum.errors import told
from lakemill.warehouse.spectrum.lakes import of_schema, opened, outside_of_block
from lakemill.warehouse.spectrum.reading import refuse_iceberg

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

PARTITIONS_MAX = 100


def alter(session: "Session", words: Words) -> Result:
    """After ALTER TABLE. Raises SqlFailed."""
    schema, name = making.qualified(words)
    outside_of_block(session, "ALTER EXTERNAL TABLE")
    external = of_schema(session, schema)
    rights.require(session, "schema", session.store.get("schema", schema, session.database), schema, "ALTER")
    with told(f'relation "{schema}.{name}"'), opened(session, external) as lake:
        context = Context(lake, external["database"])
        if words.peek() in ("ADD", "DROP") and words.peek(1) in ("PARTITION", "IF"):
            _partitions(words, context, name)
        elif words.peek() == "PARTITION":
            _partition(words, context, name)
        else:
            _changed(context, name, _change(words))
    return Result("ALTER TABLE")


def _partitions(words: Words, context: Context, name: str) -> None:
    adding = words.peek() == "ADD"
    tokens = Tokens(words.rest())
    if not adding:
        partitions.drop(tokens, context, context.database, name)
        return
    if tokens.text.upper().split().count("PARTITION") > PARTITIONS_MAX:
        raise SqlFailed("XX000", f"ALTER TABLE can add at most {PARTITIONS_MAX} partitions")
    partitions.add(tokens, context, context.database, name)


def _partition(words: Words, context: Context, name: str) -> None:
    """PARTITION (...) SET LOCATION '...'"""
    tokens = Tokens(words.rest())
    values = partitions.specification(tokens)
    tokens.expect("SET")
    if tokens.peek() == "FILE":
        raise SqlFailed("0A000", "SET FILE FORMAT of one partition is not supported")
    tokens.expect("LOCATION")
    location = checked(tokens.string())
    tokens.end()
    partitions.move(context, context.database, name, values, location)


def _change(words: Words) -> Callable[[Document], None]:
    if not words.take("SET"):
        raise SqlFailed("0A000", f"ALTER TABLE ... {words.peek()} is not supported for external tables")
    if words.take("LOCATION"):
        location = checked(words.string())
        words.end()
        return lambda document: document["StorageDescriptor"].update({"Location": location})
    if words.take("FILE", "FORMAT"):
        stored = storage.Storage()
        making.descriptor(words, stored)
        words.end()
        return lambda document: document["StorageDescriptor"].update(stored.descriptor())
    words.expect("TABLE", "PROPERTIES")
    found = making.properties(words)
    words.end()
    return lambda document: document["Parameters"].update(found)


def _changed(context: Context, name: str, change: Callable[[Document], None]) -> None:
    document = without_read_only(context.table(context.database, name))
    refuse_iceberg(document)
    document["StorageDescriptor"] = {**document["StorageDescriptor"]}
    document["Parameters"] = {**(document.get("Parameters") or {})}
    change(document)
    document["Parameters"]["transient_lastDdlTime"] = now()
    context.lake.update_table(context.database, document)
