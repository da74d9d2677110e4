"""Tables over a store: changes under conditions, indexes, expiry, and what a restart finds."""

import asyncio

import pytest

from lakemill.engines.tables import Attribute, Change, Key, Language, Question, Tables, add_index, new_index
from lakemill.engines.tables.errors import (
    ChangesCancelled,
    ConditionFailed,
    ItemTooLarge,
    KeyInvalid,
    TableExists,
    TableMissing,
    TableProtected,
    TokenMismatch,
)
from lakemill.engines.tables.upkeep import Upkeep
from lakemill.ports.clock import ManualClock

SCOPE = "1/here"
BY_ID = Key(Attribute("id", "S"), Attribute("n", "N"))
OWNER = Key(Attribute("owner", "S"))
MISSING = Language({}, {}).condition("attribute_not_exists(id)")


@pytest.fixture
def clock():
    return ManualClock(1_738_324_800)


@pytest.fixture
async def tables(metadata, clock):
    tables = Tables(metadata, clock)
    await tables.create(SCOPE, "t", BY_ID, [])
    yield tables
    await tables.close()


def item(n: int, id_: str = "a", **rest):
    return {"id": {"S": id_}, "n": {"N": str(n)}, **rest}


async def put(tables, *items):
    await tables.change(SCOPE, [Change("t", one, put=True) for one in items])


async def settled(tables, wanted):
    for _ in range(200):
        if wanted():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the background work did not end")


def numbers(found):
    return [int(one["n"]["N"]) for one in found.items]


async def test_items_of_a_hash_value_come_in_the_order_of_their_range_values(tables):
    await put(tables, *(item(n) for n in (5, -3, 0, 12)), item(1, "b"))
    question = Question(hash={"S": "a"})
    assert numbers(tables.read(SCOPE, "t", question)) == [-3, 0, 5, 12]
    assert numbers(tables.read(SCOPE, "t", Question(hash={"S": "a"}, reverse=True))) == [12, 5, 0, -3]
    some = Question(hash={"S": "a"}, range=("between", [{"N": "-3"}, {"N": "5"}]))
    assert numbers(tables.read(SCOPE, "t", some)) == [-3, 0, 5]


@pytest.mark.parametrize("reverse", [False, True])
async def test_pages_follow_each_other_without_gap_or_repetition(tables, reverse):
    await put(tables, *(item(n) for n in range(10)))
    start, seen = None, []
    while True:
        found = tables.read(SCOPE, "t", Question(hash={"S": "a"}, limit=3, start=start, reverse=reverse))
        seen += numbers(found)
        start = found.last
        if start is None:
            break
    assert seen == sorted(range(10), reverse=reverse)


async def test_a_page_ends_after_a_mebibyte(tables):
    await put(tables, *(item(n, blob={"B": b"x" * 300_000}) for n in range(6)))
    found = tables.read(SCOPE, "t", Question(hash={"S": "a"}))
    assert numbers(found) == [0, 1, 2, 3]
    assert found.last == item(3)


async def test_all_changes_are_made_or_none(tables):
    await put(tables, item(1))
    with pytest.raises(ChangesCancelled) as caught:
        await tables.change(
            SCOPE, [Change("t", item(2), put=True), Change("t", item(1), delete=True, condition=MISSING)]
        )
    first, second = caught.value.reasons
    assert first is None
    assert isinstance(second, ConditionFailed)
    assert second.item == item(1)
    assert tables.get(SCOPE, "t", item(2)) is None
    assert tables.count(tables.named(SCOPE, "t")) == (1, 6)


async def test_an_update_makes_an_item_that_was_not_there(tables):
    update = Language({}, {":v": {"S": "x"}}).update("SET a = :v")
    (changed,) = await tables.change(SCOPE, [Change("t", item(7), update=update)])
    assert changed.old is None
    assert changed.new == tables.get(SCOPE, "t", item(7)) == item(7, a={"S": "x"})


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"id": {"S": "a"}}, KeyInvalid),
        ({"id": {"S": "a"}, "n": {"S": "1"}}, KeyInvalid),
        ({"id": {"S": ""}, "n": {"N": "1"}}, KeyInvalid),
        ({"id": {"S": "x" * 2049}, "n": {"N": "1"}}, KeyInvalid),
        (item(1, blob={"B": b"x" * 410_000}), ItemTooLarge),
    ],
)
async def test_items_that_cannot_be_kept_are_refused(tables, wrong, error):
    with pytest.raises(ChangesCancelled) as caught:
        await put(tables, wrong)
    assert isinstance(caught.value.reasons[0], error)


async def test_a_token_stands_for_its_changes_for_ten_minutes(tables, clock):
    change = [Change("t", item(1), put=True, condition=MISSING)]
    await tables.change(SCOPE, change, token="once", digest="1")
    assert await tables.change(SCOPE, change, token="once", digest="1") == []
    with pytest.raises(TokenMismatch):
        await tables.change(SCOPE, change, token="once", digest="2")
    clock.advance(601)
    with pytest.raises(ChangesCancelled):
        await tables.change(SCOPE, change, token="once", digest="1")


async def test_names_are_taken_once_and_tables_can_be_protected(tables):
    with pytest.raises(TableExists):
        await tables.create(SCOPE, "t", BY_ID, [])
    await tables.update(SCOPE, "t", lambda table: setattr(table, "protected", True))
    with pytest.raises(TableProtected):
        await tables.delete(SCOPE, "t")
    await tables.update(SCOPE, "t", lambda table: setattr(table, "protected", False))
    await tables.delete(SCOPE, "t")
    with pytest.raises(TableMissing):
        tables.named(SCOPE, "t")


async def test_a_new_index_is_filled_with_what_is_there(tables):
    await put(tables, *(item(n, owner={"S": "me" if n % 2 else "you"}) for n in range(250)))
    await put(tables, item(1000), item(1001, owner={"N": "1"}))
    await tables.update(SCOPE, "t", lambda table: add_index(table, new_index("by-owner", OWNER, "KEYS_ONLY", [])))
    await put(tables, item(2000, owner={"S": "me"}, more={"S": "x"}))
    await settled(tables, lambda: not tables.named(SCOPE, "t").index("by-owner").filling)
    found = tables.read(SCOPE, "t", Question(index="by-owner", hash={"S": "me"}))
    assert sorted(numbers(found)) == [*range(1, 250, 2), 2000]
    assert all(set(one) == {"id", "n", "owner"} for one in found.items)


async def test_an_index_that_was_being_filled_is_filled_after_a_restart(metadata, clock):
    first = Tables(metadata, clock)
    await first.create(SCOPE, "t", BY_ID, [])
    await put(first, *(item(n, owner={"S": "me"}) for n in range(150)))
    await first.update(SCOPE, "t", lambda table: add_index(table, new_index("by-owner", OWNER, "ALL", [])))
    await first.close()  # Before the background work has begun.
    assert first.named(SCOPE, "t").index("by-owner").filling
    second = Tables(metadata, clock)
    await second.start()
    await settled(second, lambda: not second.named(SCOPE, "t").index("by-owner").filling)
    assert len(second.read(SCOPE, "t", Question(index="by-owner", hash={"S": "me"})).items) == 150
    await second.close()


async def test_filling_is_tried_again_when_the_disk_was_full(metadata, clock, monkeypatch):
    tables = Tables(metadata, clock)
    await tables.create(SCOPE, "t", BY_ID, [])
    await put(tables, *(item(n, owner={"S": "me"}) for n in range(3)))
    monkeypatch.setattr("lakemill.engines.tables.upkeep.RETRY_S", 0.01)
    full, real = iter([True, True, False]), Upkeep._fill_some

    def fill(self, *arguments, **named):
        if next(full, False):
            raise OSError(28, "No space left on device")
        return real(self, *arguments, **named)

    monkeypatch.setattr(Upkeep, "_fill_some", fill)
    await tables.update(SCOPE, "t", lambda table: add_index(table, new_index("by-owner", OWNER, "ALL", [])))
    await settled(tables, lambda: not tables.named(SCOPE, "t").index("by-owner").filling)
    assert len(tables.read(SCOPE, "t", Question(index="by-owner")).items) == 3
    await tables.close()


async def test_an_index_follows_its_items(metadata, clock):
    tables = Tables(metadata, clock)
    await tables.create(SCOPE, "t", BY_ID, [new_index("by-owner", OWNER, "ALL", [])])

    def owned(who):
        return numbers(tables.read(SCOPE, "t", Question(index="by-owner", hash={"S": who})))

    await put(tables, item(1, owner={"S": "me"}), item(2, owner={"S": "me"}))
    await put(tables, item(1, owner={"S": "you"}))
    assert (owned("me"), owned("you")) == ([2], [1])
    await put(tables, item(1))
    await tables.change(SCOPE, [Change("t", item(2), delete=True)])
    assert (owned("me"), owned("you")) == ([], [])
    await tables.close()


async def test_an_item_that_moves_between_two_looks_is_left_out(metadata, clock, monkeypatch):
    tables = Tables(metadata, clock)
    await tables.create(SCOPE, "t", BY_ID, [new_index("by-owner", OWNER, "ALL", [])])
    await put(tables, *(item(n, owner={"S": "me"}) for n in range(3)))
    changed = {0: item(0, owner={"S": "you"}), 1: item(1)}

    def get(table, key, real=metadata.get):
        found = real(table, key)
        return changed.get(int(found["n"]["N"]), found) if table == "table_items" else found

    monkeypatch.setattr(metadata, "get", get)
    found = tables.read(SCOPE, "t", Question(index="by-owner", hash={"S": "me"}, limit=5))
    assert numbers(found) == [2]
    await tables.close()


async def test_what_was_dropped_is_cleared_away(tables, metadata):
    await put(tables, *(item(n) for n in range(250)))
    await tables.delete(SCOPE, "t")
    await settled(tables, lambda: not list(metadata.scan("table_items")) and not list(metadata.scan("table_garbage")))


async def test_items_past_their_time_go(tables, clock):
    await tables.update(SCOPE, "t", lambda table: setattr(table, "expires", "until"))
    now = int(clock.time())
    await put(
        tables,
        item(1, until={"N": str(now - 1)}),
        item(2, until={"N": str(now + 60)}),
        item(3, until={"S": str(now - 1)}),
        item(4),
        item(5, until={"N": str(now - 6 * 365 * 86400)}),
    )
    await tables.expire()
    assert numbers(tables.read(SCOPE, "t", Question())) == [2, 3, 4, 5]
    clock.advance(61)
    await tables.expire()
    assert numbers(tables.read(SCOPE, "t", Question())) == [3, 4, 5]
    assert tables.count(tables.named(SCOPE, "t"))[0] == 3
