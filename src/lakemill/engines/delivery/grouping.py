"""Records sorted by their partition keys, a block at a time. The work is done in a worker process.

The process tells which records have the same keys. Records of a log it gives back in groups, each of one shard; of
others it gives their order only, as there is more to them than it was told.
"""

import asyncio
import functools
from array import array
from collections.abc import Sequence
from typing import Any

import msgspec

from lakemill.engines.delivery import queries
from lakemill.engines.delivery.handing import Handed, SharedFile, arrow, give_back, read_back, write
from lakemill.engines.delivery.parts import Listed, Logged, Origin, Part
from lakemill.engines.delivery.pool import WorkerPool
from lakemill.engines.delivery.records import Record
from lakemill.engines.delivery.rows import Rows

Keys = tuple[str, ...]


class Query(msgspec.Struct, frozen=True):
    """What is asked of records, and how they are given back."""

    text: str
    """In jq's language; its result is an object."""
    names: list[str]
    """Its members that are the keys, in order."""
    delimiter: bytes = b""
    """What is put after the data of each."""


class Grouped(msgspec.Struct):
    """Records in groups, those in the order of their first records."""

    groups: list[tuple[int, Keys, Rows]]
    """The lot that the records of a group come from, their keys, and the records in their order."""
    refused: list[tuple[Record, str]]
    """Those that have no keys, and why, in words."""


async def grouped(pool: WorkerPool, query: Query, lots: Sequence[Rows], timeout_s: float) -> Grouped:
    """Group the records of each lot by their keys. Raises TimeoutError, BrokenProcessPool."""
    records = Rows([part for lot in lots for part in lot.parts])
    # Records that are given back by the block must have one origin, so those of each count as a lot of their own.
    whose = [(number, _origin(part)) for number, lot in enumerate(lots) for part in lot.parts]
    different = list(dict.fromkeys(whose))
    numbers = {one: number for number, one in enumerate(different)}
    apart = [(numbers[one], len(part)) for one, part in zip(whose, records.parts, strict=True)]
    with pool.files.borrowed() as file:
        given = await asyncio.to_thread(write, records, file, places=True)
        found = await pool.run(_group, given, query, apart, timeout_s=timeout_s)
        named = [different[number] for number, _ in found.keys]
        parts = await asyncio.to_thread(_parts, records, query, file, given, found, [origin for _, origin in named])
    groups: dict[tuple[int, Keys], Rows] = {}
    for (lot, _), (_, keys), part in zip(named, found.keys, parts, strict=True):
        groups.setdefault((lot, keys), Rows()).append(part)
    return Grouped([(*key, rows) for key, rows in groups.items()], [(records[at], why) for at, why in found.refused])


def _origin(part: Part) -> Origin:
    return part.origin if isinstance(part, Logged) else Origin()


class _Found(msgspec.Struct):
    keys: list[tuple[int, Keys]]
    """The lot of each group, and its keys."""
    counts: list[int]
    order: bytes
    """The places of the records of all groups, unless those are given back."""
    refused: list[tuple[int, str]]
    """The places of those, and why."""


def _parts(
    records: Rows, query: Query, file: SharedFile, given: Handed, found: _Found, origins: Sequence[Origin]
) -> Sequence[Part]:
    """The records of each group."""
    if given.places:
        return read_back(file, given, found.counts, origins)
    every, order, parts = list(records), array("q", found.order), []
    for count in found.counts:
        part = Listed([every[place] for place in order[:count]])
        parts.append(part.ended(query.delimiter) if query.delimiter else part)
        order = order[count:]
    return parts


def _group(given: Handed, query: Query, lots: Sequence[tuple[int, int]]) -> _Found:
    """In the worker process. lots: the number of each, and how many records of it follow."""
    import numpy as np

    records = arrow(given)
    codes, keys, refused = _coded(records, query, np.repeat(*np.array(lots, np.int64).reshape(-1, 2).T))
    # Stable: the records of a group stay in their order. Numbers of 16 bits are sorted in two passes.
    order = np.argsort(codes.astype(np.int16) if len(keys) < 1 << 15 else codes, kind="stable")[len(refused) :]
    counts = np.bincount(codes[codes >= 0], minlength=len(keys))
    if given.places:
        give_back(given, records, order, counts, query.delimiter)
    return _Found(keys, counts.tolist(), b"" if given.places else order.tobytes(), refused)


def _coded(records: Any, query: Query, lots: Any) -> tuple[Any, list[tuple[int, Keys]], list[tuple[int, str]]]:
    """(n,) int64, the group of each record or -1; lot and keys of the groups; the records that are refused.

    lots (n,) int64: that of each record.
    """
    import numpy as np
    import pyarrow as pa

    count = len(records)
    texts, unusual = _texts(records, query)
    codes = lots
    for text in texts:
        encoded = text.dictionary_encode()
        # Both are below the number of records, so the pair fits a number.
        pairs = pa.array(codes * len(encoded.dictionary) + encoded.indices.to_numpy())
        codes = pairs.dictionary_encode().indices.to_numpy().astype(np.int64)
    places = np.flatnonzero(unusual)
    answers = queries.keys_of(query.text, query.names, records.take(pa.array(places)).to_pylist())
    codes = codes.copy()
    codes[places] = np.arange(count, count + len(places))
    firsts = np.full(count + len(places), -1)
    firsts[codes[::-1]] = np.arange(count)[::-1]  # Of those with one code, the first record stays.
    numbers = np.full(len(firsts), -1)
    groups: dict[tuple[int, Keys], int] = {}
    refused = []
    for code in codes[np.sort(firsts[firsts >= 0])].tolist():
        first = int(firsts[code])
        keys = tuple([text[first].as_py() for text in texts]) if code < count else answers[code - count]
        if isinstance(keys, str):
            refused.append((first, keys))
        else:
            numbers[code] = groups.setdefault((int(lots[first]), keys), len(groups))
    return numbers[codes], list(groups), refused


def _texts(records: Any, query: Query) -> tuple[list[Any], Any]:
    """For each key the texts of all records, and (n,) bool: of which records jq is to say what they are."""
    import numpy as np

    reader, places = _reader(query.text, tuple(query.names))
    if reader is None:
        return [], np.ones(len(records), bool)
    texts, unusual = reader.read(records)
    return [] if unusual.all() else [texts[place] for place in places], unusual


@functools.lru_cache(64)
def _reader(text: str, names: Keys) -> tuple[Any, list[int]]:
    """What reads the paths of a query, and which of those is each key's; None if it is more than that."""
    from lakemill.formats.jsonpaths import PathReader

    paths = queries.paths_of(text) or {}
    if not names or not paths.keys() >= set(names):
        return None, []
    # A path that is no key's can fail only where it goes through something that is no object.
    wanted = [tuple(path) for name, path in paths.items() if name in names or len(path) > 1]
    wanted = list(dict.fromkeys(wanted))
    if any(one != other and one == other[: len(one)] for one in wanted for other in wanted):
        return None, []
    return PathReader(wanted), [wanted.index(tuple(paths[name])) for name in names]
