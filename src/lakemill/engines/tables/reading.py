"""Finding items: those of a hash value in the order of their range values, or one after another."""

import dataclasses
from collections.abc import Iterator

from lakemill.engines.tables.conditions import Condition
from lakemill.engines.tables.errors import KeyInvalid
from lakemill.engines.tables.order import Span, comparison, digest, segment, whole
from lakemill.engines.tables.schema import Index, Key, Table, entry_key
from lakemill.engines.tables.values import Item, Value, item_size
from lakemill.ports.metadata import Metadata

ITEMS, ENTRIES = "table_items", "table_entries"
PAGE_BYTES_MAX = 1 << 20
ROWS = 64
"""Items read from the store at a time."""


@dataclasses.dataclass(frozen=True)
class Question:
    """What is looked for, all values canonical.

    index: its name. hash: only items of this hash value; range: an operator of `order.comparison` and its values.
    segment: a part, and how many there are. start: behind this key, as `Found.last` gave it. limit: items looked at.
    whole: show attributes that an index does not project, too.
    """

    index: str | None = None
    hash: Value | None = None
    range: tuple[str, list[Value]] | None = None
    segment: tuple[int, int] | None = None
    reverse: bool = False
    start: Item | None = None
    limit: int | None = None
    filter: Condition | None = None
    whole: bool = False


@dataclasses.dataclass(frozen=True)
class Found:
    """items: those the filter let through. scanned: how many were looked at, of how many bytes together.
    last: the key to go on behind, None at the end."""

    items: list[Item]
    scanned: int
    bytes: int
    last: Item | None


def answer(metadata: Metadata, table: Table, question: Question) -> Found:
    """A page: up to 1 MiB or limit items are looked at. Raises IndexMissing, KeyInvalid."""
    index = table.index(question.index) if question.index is not None else None
    span = _span(table, index, question)
    projected = index.projected(table.key) if index is not None and not question.whole else None
    items: list[Item] = []
    scanned = size = 0
    for item in _items(metadata, table, index, span, question):
        shown = item if projected is None else {name: value for name, value in item.items() if name in projected}
        scanned += 1
        size += item_size(shown)
        if question.filter is None or question.filter.holds(shown):
            items.append(shown)
        if size >= PAGE_BYTES_MAX or scanned == question.limit:
            return Found(items, scanned, size, start_key(table, index, item))
    return Found(items, scanned, size, None)


def start_key(table: Table, index: Index | None, item: Item) -> Item:
    """The attributes that say where an item stands, in the table or an index."""
    return table.key.of(item) | (index.key.of(item) if index is not None else {})


def _span(table: Table, index: Index | None, question: Question) -> Span:
    key: Key = index.key if index is not None else table.key
    prefix = f"{index.id if index is not None else table.id}/"
    if question.hash is not None:
        prefix += digest(question.hash)
        span = whole(prefix) if question.range is None else comparison(prefix, *question.range)
    else:
        span = segment(prefix, *question.segment) if question.segment else whole(prefix)
    if question.start is None:
        return span
    at = _start(table, index, key, question)
    return span.before(at) if question.reverse else span.after(at)


def _start(table: Table, index: Index | None, key: Key, question: Question) -> str:
    start = question.start
    assert start is not None
    wanted = {*table.key.names, *key.names}
    if set(start) != wanted or not (table.key.covers(start) and key.covers(start)):
        raise KeyInvalid("The provided starting key is invalid")
    if question.hash is not None and start[key.hash.name] != question.hash:
        raise KeyInvalid("The provided starting key is outside query boundaries based on provided conditions")
    if index is None:
        return f"{table.id}/{table.key.place(start)}"
    return f"{index.id}/{key.place(start)}{table.key.place(start)}"


def _items(metadata: Metadata, table: Table, index: Index | None, span: Span, question: Question) -> Iterator[Item]:
    rows = ROWS if question.limit is None else min(question.limit, ROWS)
    while True:
        source = ITEMS if index is None else ENTRIES
        batch = list(metadata.scan(source, span.start, span.stop, limit=rows, reverse=question.reverse))
        for key, found in batch:
            item = found if index is None else metadata.get(ITEMS, f"{table.id}/{found}")
            # Between the look at the entry and that at the item it may have gone, or moved to another entry.
            if item is not None and (index is None or entry_key(index, found, item) == key):
                yield item
        if len(batch) < rows:
            return
        span = span.before(batch[-1][0]) if question.reverse else span.after(batch[-1][0])
