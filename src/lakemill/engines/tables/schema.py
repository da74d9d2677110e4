"""Tables and their indexes as they are described, and kept in the metadata store."""

import dataclasses
import datetime
from typing import Any

from lakemill.engines.tables.errors import IndexMissing, KeyInvalid
from lakemill.engines.tables.order import place
from lakemill.engines.tables.values import Item, Value, type_of

HASH_BYTES_MAX, RANGE_BYTES_MAX = 2048, 1024
_INVALID = "One or more parameter values were invalid: "


@dataclasses.dataclass(frozen=True, slots=True)
class Attribute:
    """A key attribute: name and type (S, N or B)."""

    name: str
    type: str


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """By what items are found: hash, and range within a hash value."""

    hash: Attribute
    range: Attribute | None = None

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        return (self.hash,) if self.range is None else (self.hash, self.range)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.attributes)

    def of(self, item: Item) -> Item:
        """The key attributes of an item."""
        return {name: item[name] for name in self.names}

    def place(self, item: Item) -> str:
        """Where an item stands (see `order`)."""
        return place(item[self.hash.name], item[self.range.name] if self.range else None)

    def covers(self, item: Item) -> bool:
        """Whether the item has all of them, of the right types."""
        return all(one.name in item and one.type in item[one.name] for one in self.attributes)


@dataclasses.dataclass(slots=True)
class Index:
    """A second order of a table's items.

    projection: "ALL", "KEYS_ONLY" or "INCLUDE" (then also the attributes in include).
    local: it has the table's hash attribute, and was made with the table.
    filling: what is in the table already is not yet all in it.
    """

    name: str
    id: str
    key: Key
    projection: str = "ALL"
    include: list[str] = dataclasses.field(default_factory=list)
    local: bool = False
    filling: bool = False
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)

    def projected(self, table: Key) -> set[str] | None:
        """The names an entry shows, None for all."""
        if self.projection == "ALL":
            return None
        return {*table.names, *self.key.names, *self.include}


@dataclasses.dataclass(slots=True)
class Table:
    """settings: whatever its owner wants to keep with it. expires: attribute with the second (Unix time) after which
    an item may go."""

    name: str
    id: str
    key: Key
    indexes: dict[str, Index]
    created: datetime.datetime
    protected: bool = False
    expires: str | None = None
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    tags: dict[str, str] = dataclasses.field(default_factory=dict)

    def index(self, name: str) -> Index:
        """Raises IndexMissing."""
        if name not in self.indexes:
            raise IndexMissing(name)
        return self.indexes[name]

    def check_key(self, key: Item) -> None:
        """A key given to find an item. Raises KeyInvalid."""
        if set(key) != set(self.key.names):
            raise KeyInvalid("The provided key element does not match the schema")
        for one in self.key.attributes:
            if one.type not in key[one.name]:
                raise KeyInvalid("The provided key element does not match the schema")
            _check_key_value(one, key[one.name], self.key)

    def check_item(self, item: Item) -> None:
        """An item to be kept. Raises KeyInvalid."""
        for one in self.key.attributes:
            if one.name not in item:
                raise KeyInvalid(f"{_INVALID}Missing the key {one.name} in the item")
            if one.type not in item[one.name]:
                raise KeyInvalid(
                    f"{_INVALID}Type mismatch for key {one.name} expected: {one.type} actual: {type_of(item[one.name])}"
                )
            _check_key_value(one, item[one.name], self.key)
        for index in self.indexes.values():
            for one in index.key.attributes:
                if (value := item.get(one.name)) is not None:
                    _check_index_value(index, one, value)


def _check_key_value(attribute: Attribute, value: Value, key: Key) -> None:
    content = value[attribute.type]
    if content in ("", b""):
        kind = "string" if attribute.type == "S" else "binary"
        raise KeyInvalid(
            f"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
            f"empty {kind} value. Key: {attribute.name}"
        )
    length = len(content.encode() if isinstance(content, str) else content)
    if attribute is key.hash and length > HASH_BYTES_MAX:
        raise KeyInvalid(f"{_INVALID}Size of hashkey has exceeded the maximum size limit of2048 bytes")
    if attribute is not key.hash and length > RANGE_BYTES_MAX:
        raise KeyInvalid(f"{_INVALID}Aggregated size of all range keys has exceeded the size limit of 1024 bytes")


def _check_index_value(index: Index, attribute: Attribute, value: Value) -> None:
    if attribute.type not in value:
        raise KeyInvalid(
            f"{_INVALID}Type mismatch for Index Key {attribute.name} Expected: {attribute.type} "
            f"Actual: {type_of(value)} IndexName: {index.name}"
        )
    if value[attribute.type] in ("", b""):
        kind = "string" if attribute.type == "S" else "binary"
        raise KeyInvalid(
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
            f"The AttributeValue for a key attribute cannot contain an empty {kind} value. "
            f"IndexName: {index.name}, IndexKey: {attribute.name}"
        )


def entry_key(index: Index, place: str, item: Item) -> str | None:
    """Where the entry of an item stands, which is at `place` in its table; None if the index has none for it."""
    return f"{index.id}/{index.key.place(item)}{place}" if index.key.covers(item) else None


# As documents


def _key(document: list[list[str]]) -> Key:
    return Key(*(Attribute(*one) for one in document))


def _key_document(key: Key) -> list[list[str]]:
    return [[one.name, one.type] for one in key.attributes]


def table_of(document: dict[str, Any]) -> Table:
    """The table a document describes."""
    indexes = {one["name"]: Index(**(one | {"key": _key(one["key"])})) for one in document["indexes"]}
    kept = {name: document[name] for name in ("name", "id", "created", "protected", "expires", "settings", "tags")}
    return Table(key=_key(document["key"]), indexes=indexes, **kept)


def document_of(table: Table) -> dict[str, Any]:
    """What is kept of a table."""
    indexes = [
        {field.name: getattr(one, field.name) for field in dataclasses.fields(one)} | {"key": _key_document(one.key)}
        for one in table.indexes.values()
    ]
    return {
        "id": table.id,
        "key": _key_document(table.key),
        "indexes": indexes,
        "protected": table.protected,
        "expires": table.expires,
        "settings": table.settings,
    }
