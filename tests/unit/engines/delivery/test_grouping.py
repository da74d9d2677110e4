"""Records grouped by the block come to what they come to one by one."""

import array
import itertools
import json
import random

import pytest

from lakemill.engines.delivery import Record
from lakemill.engines.delivery.grouping import Query, grouped
from lakemill.engines.delivery.handing import SharedFiles
from lakemill.engines.delivery.parts import Listed, Logged, Origin
from lakemill.engines.delivery.pool import WorkerPool
from lakemill.engines.delivery.queries import keys_of
from lakemill.engines.delivery.rows import Rows
from tests.unit.engines.delivery.test_queries import DOCUMENTS

QUERIES = [
    ("{who: .who}", ["who"]),
    ("{who: .who, day: .at.day, n: .n}", ["n", "who", "n"]),
    ("{day: .at.day, deep: .at.zone.name, too: .at.day, who: .who}", ["day", "too"]),
    ("{at: .at, day: .at.day}", ["day"]),
    ("{who: .who, other: .at.day}", ["who"]),
    ('{who: (.who // "nobody")}', ["who"]),
    ("{who: .who, a: .a, c: .b.c}", ["c", "a"]),
    ("{who: .who}", []),
]
ODD = [b"", b"{}", b"[]", b"7", b'{"who": "a"}{"who": "b"}', b'{"who": "\xff"}', b'{"who": "a", "d": "\xff"}', b"\x00"]
VALUES = [
    "a",
    "b",
    "\u00e9",
    "a\nb",
    "",
    None,
    True,
    False,
    0,
    -0.0,
    7,
    -12,
    10**14,
    10**15,
    2**53,
    1.0,
    1e30,
    [],
    {},
    '"',
]


def document(draw):
    """A record: mostly one object with most of the members, in any order."""
    if draw.random() < 0.1:
        return draw.choice(ODD + DOCUMENTS)
    usual = draw.random() < 0.7
    value = lambda: draw.choice("abc") if usual else draw.choice(VALUES)  # noqa: E731
    at = {"day": value(), "zone": {"name": value(), "x": [1, {"y": 2}]}}
    members = [("who", value()), ("at", at if usual or draw.random() < 0.8 else value()), ("n", draw.randrange(3))]
    members += [(f"x{n}", draw.choice(VALUES)) for n in range(draw.randrange(4))]
    members = [one for one in members if usual or draw.random() < 0.9]
    draw.shuffle(members)
    text = json.dumps(
        dict(members), ensure_ascii=draw.random() < 0.5, separators=draw.choice([(",", ":"), (", ", ": ")])
    )
    if draw.random() < 0.05:
        text = text[:-1] + draw.choice(["", ',"who":"z"}', ',"at":{}}', ',"who":null}', ',"w\\u0068o":"y"}', "}}"])
    return draw.choice(["", "", "", " ", "\n"]).join(["", text, ""]).encode()


OWN = [Origin()]
SHARDS = [Origin("shardId-0", 1 << 180), Origin("shardId-1", 3 << 180)]


def stretches(values, draw, origins=OWN):
    """Values as logs give them, with gaps between their stretches; some are cut out of larger ones."""
    position, parts = draw.randrange(1 << 40), []
    while values:
        count = min(len(values), draw.randrange(1, 60))
        some, values = values[:count], values[count:]
        ends = array.array("I", itertools.accumulate(map(len, [b"before", *some, b"behind"])))
        times, sequences = (
            array.array("q", range(position, position + len(ends))),
            range(position, position + len(ends)),
        )
        data, origin = b"".join([b"before", *some, b"behind"]), draw.choice(origins)
        parts.append(Logged(data, ends, times, sequences, origin).cut(1, count + 1))
        position += len(ends) + draw.randrange(3)
    return parts


def one_by_one(lots, query):
    """What is asked for, without any blocks: groups in order, and what is refused."""
    groups, refused = {}, []
    for number, lot in enumerate(lots):
        records = list(lot)
        for record, keys in zip(records, keys_of(query.text, query.names, [one.data for one in records]), strict=True):
            if isinstance(keys, str):
                refused.append((record, keys))
            else:
                data = record.data + query.delimiter
                whole = Record(data, record.arrival_ms, record.sequence, record.shard, record.key, record.sub)
                groups.setdefault((number, keys), []).append(whole)
    return [(*place, records) for place, records in groups.items()], refused


class Here:
    """A pool without processes."""

    files = SharedFiles()

    async def run(self, work, *arguments, timeout_s):
        return work(*arguments)


def by_shard(groups):
    """Groups, with the records of each shard together: records of several shards are in no order."""
    return [(lot, keys, sorted(records, key=lambda one: one.shard)) for lot, keys, records in groups]


@pytest.fixture(scope="module")
def compiled():
    """Paths are read by compiled code from the first record on."""
    from lakemill.formats import jit

    cold, jit.COLD_BYTES = jit.COLD_BYTES, 0
    warm, jit.WARM_BYTES = jit.WARM_BYTES, 0
    yield
    jit.COLD_BYTES, jit.WARM_BYTES = cold, warm


@pytest.mark.parametrize("seed", range(24))
async def test_groups_are_those_of_the_records_one_by_one(compiled, seed):
    draw = random.Random(seed)
    text, names = QUERIES[seed % len(QUERIES)]
    query = Query(text, names, draw.choice([b"", b"\n", b"--"]))
    for count in (1, 3, 200):
        lots = []
        for _ in range(draw.choice([1, 1, 3])):
            values = [document(draw) for _ in range(count)]
            listed = [Record(data, 5 - n, n // 2, draw.choice("st"), "k", n % 2) for n, data in enumerate(values)]
            origins = draw.choice([OWN, SHARDS])
            lots.append(Rows(stretches(values, draw, origins) if draw.random() < 0.7 else [Listed(listed)]))
        found = await grouped(Here(), query, lots, 1.0)
        groups, refused = one_by_one(lots, query)
        assert (by_shard(found.groups), found.refused) == (by_shard(groups), refused)


async def test_another_process_gives_the_records_back_in_groups():
    pool, draw = WorkerPool(1), random.Random(7)
    lots = [Rows(stretches([document(draw) for _ in range(300)], draw)) for _ in range(2)]
    query = Query("{who: .who}", ["who"], b"\n")
    found = await grouped(pool, query, lots, 60)
    pool.close()
    groups, refused = one_by_one(lots, query)
    assert [(number, keys, list(part)) for number, keys, part in found.groups] == groups
    assert found.refused == refused
    for _, _, rows in found.groups:
        (part,) = rows.parts
        data, ends, base = part.joined()
        assert data == b"".join(record.data for record in part)
        assert [end - base for end in ends] == list(itertools.accumulate(len(record.data) for record in part))
        assert part.last() == {"": part.record(len(part) - 1).sequence}
