"""Who refers to which bytes. All of it runs inside the transaction that writes the documents, so counts are exact.

A blob is immutable, so copies share it: `object_blobs` counts who refers to it. When nobody refers to bytes any more,
their name goes to `object_garbage` in the same transaction; they are deleted a little after the commit, so that whoever
has just looked the object up can still read it, or by recovery after a crash.
"""

from typing import Any

from lakemill.engines.objects import rows
from lakemill.engines.objects.errors import DataVanished
from lakemill.engines.objects.intake import Taken
from lakemill.engines.objects.records import PartRecord, document, record_of
from lakemill.ports.metadata import Reader, Transaction


def keep(transaction: Transaction, taken: Taken) -> None:
    """Write what was taken in, or count the blob's first reference."""
    if taken.inline is not None:
        transaction.put(rows.INLINE, taken.data, taken.inline)
    elif taken.data:
        transaction.put(rows.BLOBS, taken.data, 1)


def keep_layout(transaction: Transaction, name: str, parts: list[PartRecord]) -> None:
    """Write an object's list of parts; the references its parts hold become the layout's."""
    transaction.put(rows.LAYOUTS, name, [document(part) for part in parts])


def layout(reader: Reader, name: str) -> list[PartRecord]:
    """The parts of an object. Raises DataVanished."""
    found = reader.get(rows.LAYOUTS, name)
    if found is None:
        raise DataVanished(name)
    return [record_of(PartRecord, part) for part in found]


def share(transaction: Transaction, data: str, time_s: float) -> str:
    """One more reference to the same bytes; the name to refer by. Raises DataVanished."""
    if data.startswith(rows.BLOB_DATA):
        count = transaction.get(rows.BLOBS, data)
        if count is None:
            raise DataVanished(data)
        transaction.put(rows.BLOBS, data, count + 1)
        return data
    if data.startswith(rows.INLINE_DATA):
        inline = transaction.get(rows.INLINE, data)
        if inline is None:
            raise DataVanished(data)
        name = rows.data_name(rows.INLINE_DATA, time_s)
        transaction.put(rows.INLINE, name, inline)
        return name
    if data.startswith(rows.LAYOUT_DATA):
        parts = layout(transaction, data)
        for part in parts:
            part.data = share(transaction, part.data, time_s)
        name = rows.data_name(rows.LAYOUT_DATA, time_s)
        keep_layout(transaction, name, parts)
        return name
    return ""


def drop(transaction: Transaction, data: str) -> list[str]:
    """One reference less; the names of what became garbage."""
    if not data:
        return []
    garbage: list[str] = []
    if data.startswith(rows.BLOB_DATA):
        count = transaction.get(rows.BLOBS, data) or 0
        if count > 1:
            transaction.put(rows.BLOBS, data, count - 1)
            return []
        transaction.delete(rows.BLOBS, data)
    elif data.startswith(rows.LAYOUT_DATA):
        for part in layout(transaction, data):
            garbage += drop(transaction, part.data)
    transaction.put(rows.GARBAGE, data, True)
    garbage.append(data)
    return garbage


def drop_document(transaction: Transaction, built: dict[str, Any]) -> list[str]:
    """Drop what a document refers to."""
    return drop(transaction, built.get("data", ""))


def forget(transaction: Transaction, garbage: list[str]) -> None:
    """Remove rows of garbage, and the notes about it; the files of blobs are gone already."""
    for name in garbage:
        if name.startswith(rows.INLINE_DATA):
            transaction.delete(rows.INLINE, name)
        elif name.startswith(rows.LAYOUT_DATA):
            transaction.delete(rows.LAYOUTS, name)
        transaction.delete(rows.GARBAGE, name)
