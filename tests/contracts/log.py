"""What every log adapter promises. An adapter's test class inherits this and gives a `log` fixture.

`name` is a fresh log's name; `reopen(log)` closes it and opens what it left again (None if the adapter cannot).
"""

import asyncio

import pytest

from lakemill.ports.log import Entry, Located, LogExists, LogMissing, Record, Stretch, as_records

PLENTY = {"records": 10_000, "size": 100 << 20}


def entry(shard, number, time_ms=None, size=0):
    value = b"value-%d" % number + b"." * size
    return Entry(shard, 1_000_000 + number if time_ms is None else time_ms, b"key-%d" % number, value)


async def everything(log, name, shard):
    return await log.read(name, shard, 0, **PLENTY)


class LogContract:
    async def test_what_was_appended_is_read_back_in_order(self, log, name):
        await log.create(name, 2)
        entries = [
            Entry(0, 1000, b"ann", b"one", b"note"),
            Entry(1, 1001, b"bob", b"two"),
            Entry(0, 1002, b"", b""),
            Entry(0, 1002, b"ann", bytes(range(256))),
        ]
        positions = await log.append(name, entries)
        for shard in (0, 1):
            found = await everything(log, name, shard)
            expected = [(p, e) for p, e in zip(positions, entries, strict=True) if e.shard == shard]
            assert [(r.position, r.time_ms, r.key, r.value, r.note) for r in found] == [
                (p, e.time_ms, e.key, e.value, e.note) for p, e in expected
            ]

    async def test_columns_are_those_of_the_records(self, log, name):
        await log.create(name, 2)
        notes = [b"", b"", b"", b"note", b"", b"", b"other", b"", b""]
        entries = [Entry(0, 1000 + i, b"k%d" % i, b"v" * i, note) for i, note in enumerate(notes)]
        for some in (entries[:1], entries[1:2], entries[2:6], entries[6:7], entries[7:]):
            await log.append(name, some)
        found = await everything(log, name, 0)
        records = list(found)
        assert len(found) == len(records) == 9
        assert found.positions == [r.position for r in records]
        assert found.times == [r.time_ms for r in records] == [e.time_ms for e in entries]
        assert found.keys == [r.key for r in records] == [e.key for e in entries]
        assert found.values == [r.value for r in records] == [e.value for e in entries]
        assert found.notes == [r.note for r in records] == notes
        assert found.size() == sum(len(e.key) + len(e.value) for e in entries)
        assert [found[i] for i in (0, 3, -1)] == [records[i] for i in (0, 3, -1)]
        assert list(found[2:5]) == records[2:5] and records[4] in found
        assert found[:3].notes == (await log.read(name, 0, 0, records=3, size=1 << 20)).notes == []
        assert (await everything(log, name, 1)).positions == []

    async def test_positions_rise_over_appends(self, log, name):
        await log.create(name, 1)
        positions = []
        for i in range(20):
            positions += await log.append(name, [entry(0, 2 * i), entry(0, 2 * i + 1)])
        assert positions == sorted(set(positions))
        assert [r.position for r in await everything(log, name, 0)] == positions

    async def test_an_empty_append_is_nothing(self, log, name):
        await log.create(name, 1)
        assert list(await log.append(name, [])) == []
        assert list(await everything(log, name, 0)) == []

    async def test_callers_at_the_same_time_lose_and_mix_nothing(self, log, name):
        await log.create(name, 4)

        async def caller(number):
            return await log.append(name, [entry((number + i) % 4, 10 * number + i, time_ms=5) for i in range(5)])

        all_positions = await asyncio.gather(*(caller(number) for number in range(100)))
        for shard in range(4):
            found = {r.position: r.value for r in await everything(log, name, shard)}
            expected = {
                position: entry(shard, 10 * number + i).value
                for number, positions in enumerate(all_positions)
                for i, position in enumerate(positions)
                if (number + i) % 4 == shard
            }
            assert found == expected

    async def test_reading_starts_at_the_position_or_the_next_there_is(self, log, name):
        await log.create(name, 1)
        positions = await log.append(name, [entry(0, i) for i in range(10)])
        assert [r.position for r in await log.read(name, 0, positions[7], **PLENTY)] == list(positions[7:])
        assert list(await log.read(name, 0, positions[-1] + 1, **PLENTY)) == []
        assert list(await log.read(name, 0, positions[-1] + 1000, **PLENTY)) == []

    async def test_reading_stops_at_so_many_records(self, log, name):
        await log.create(name, 1)
        positions = await log.append(name, [entry(0, i) for i in range(10)])
        assert [r.position for r in await log.read(name, 0, positions[2], records=3, size=1 << 20)] == positions[2:5]

    async def test_reading_stops_at_so_many_bytes_of_keys_and_values_but_gives_one_record_at_least(self, log, name):
        await log.create(name, 1)
        await log.append(name, [Entry(0, 1, b"k", b"x" * 99) for _ in range(10)])
        for size, expected in ((300, 3), (399, 3), (100, 1), (10, 1), (1000, 10), (999, 9)):
            assert len(await log.read(name, 0, 0, records=100, size=size)) == expected, size
        await log.append(name, [Entry(0, 1, b"k", b"x" * 99)])
        assert len(await log.read(name, 0, 0, records=100, size=1050)) == 10

    async def test_large_records_and_many_records_are_kept(self, log, name):
        await log.create(name, 1)
        large = [bytes([65 + i]) * 700_000 for i in range(4)]
        await log.append(name, [Entry(0, 1, b"large", value) for value in large])
        await log.append(name, [entry(0, i) for i in range(9_000)])
        found = await everything(log, name, 0)
        assert [r.value for r in found[:4]] == large
        assert [r.value for r in found[4:]] == [entry(0, i).value for i in range(9_000)]
        pieced, position = [], 0
        while more := await log.read(name, 0, position, records=1000, size=1 << 20):
            pieced += more
            position = more[-1].position + 1
        assert pieced == list(found)

    async def test_times_of_a_shard_never_fall(self, log, name):
        await log.create(name, 2)
        await log.append(name, [entry(0, 0, time_ms=500), entry(0, 1, time_ms=300), entry(0, 2, time_ms=600)])
        await log.append(name, [entry(0, 3, time_ms=100), entry(1, 4, time_ms=100)])
        assert [r.time_ms for r in await everything(log, name, 0)] == [500, 500, 600, 600]
        assert [r.time_ms for r in await everything(log, name, 1)] == [100]

    async def test_position_at_is_the_first_record_of_that_time_or_later(self, log, name):
        await log.create(name, 2)
        positions = []
        for time_ms in (100, 100, 200, 300, 300, 300, 500):
            positions += await log.append(name, [entry(0, time_ms, time_ms=time_ms), entry(1, 0, time_ms=time_ms)])
        mine = positions[::2]
        for time_ms, index in ((0, 0), (100, 0), (101, 2), (200, 2), (250, 3), (300, 3), (301, 6), (500, 6)):
            assert await log.position_at(name, 0, time_ms) == mine[index], time_ms
        assert await log.position_at(name, 0, 501) == log.bounds(name, 0).next

    async def test_position_at_finds_a_record_within_one_append(self, log, name):
        await log.create(name, 1)
        positions = await log.append(name, [entry(0, i, time_ms=1000 + i // 10) for i in range(1000)])
        assert await log.position_at(name, 0, 1050) == positions[500]

    async def test_bounds_tell_what_is_there(self, log, name):
        await log.create(name, 1)
        empty = log.bounds(name, 0)
        assert empty.first == empty.next and empty.last_ms == 0
        positions = await log.append(name, [entry(0, 1, time_ms=77), entry(0, 2, time_ms=99)])
        bounds = log.bounds(name, 0)
        assert (bounds.first, bounds.last_ms) == (positions[0], 99)
        assert bounds.next > positions[-1]

    async def test_shards_are_added_and_never_taken_away(self, log, name):
        await log.create(name, 1)
        await log.append(name, [entry(0, 1)])
        with pytest.raises(LogMissing):
            await log.append(name, [entry(2, 1)])
        await log.grow(name, 3)
        await log.grow(name, 2)
        await log.append(name, [entry(2, 5)])
        assert [r.value for r in await everything(log, name, 2)] == [entry(2, 5).value]
        assert list(await everything(log, name, 1)) == []
        assert len(await everything(log, name, 0)) == 1

    async def test_what_is_not_there_is_missing(self, log, name):
        for call in (
            lambda: log.append(name, [entry(0, 1)]),
            lambda: log.read(name, 0, 0, **PLENTY),
            lambda: log.position_at(name, 0, 0),
            lambda: log.grow(name, 2),
            lambda: log.wait(name, {0: 0}, 0.01),
            lambda: log.trim(name, 0),
        ):
            with pytest.raises(LogMissing):
                await call()
        with pytest.raises(LogMissing):
            log.bounds(name, 0)
        await log.delete(name)
        assert not log.exists(name)
        await log.create(name, 1)
        assert log.exists(name)
        with pytest.raises(LogMissing):
            await log.read(name, 1, 0, **PLENTY)
        with pytest.raises(LogMissing):
            log.bounds(name, -1)
        with pytest.raises(LogMissing):
            await log.append(name, [entry(0, 1), entry(1, 2)])
        assert list(await everything(log, name, 0)) == []

    async def test_a_name_is_given_once(self, log, name):
        await log.create(name, 1)
        with pytest.raises(LogExists):
            await log.create(name, 1)

    async def test_names_that_are_none_are_refused(self, log):
        for name in ("", "a/b", "a b", "x" * 201, "ä", "a\n"):
            with pytest.raises(ValueError, match="name"):
                await log.create(name, 1)

    async def test_a_deleted_log_is_gone_and_its_name_is_free(self, log, name):
        await log.create(name, 2)
        await log.append(name, [entry(0, 1), entry(1, 1)])
        await log.delete(name)
        assert not log.exists(name)
        with pytest.raises(LogMissing):
            await log.read(name, 0, 0, **PLENTY)
        await log.create(name, 1)
        assert list(await everything(log, name, 0)) == []
        await log.append(name, [entry(0, 2)])
        assert [r.value for r in await everything(log, name, 0)] == [entry(0, 2).value]

    async def test_waiting_ends_when_a_record_comes(self, log, name):
        await log.create(name, 2)
        waiting = asyncio.create_task(
            log.wait(name, {shard: log.bounds(name, shard).next for shard in (0, 1)}, timeout_s=10)
        )
        await asyncio.sleep(0.02)
        assert not waiting.done()
        await log.append(name, [entry(1, 1)])
        assert await waiting is True

    async def test_waiting_ends_at_once_if_there_is_a_record_and_in_vain_if_none_comes(self, log, name):
        await log.create(name, 1)
        (position,) = await log.append(name, [entry(0, 1)])
        assert await log.wait(name, {0: position}, timeout_s=0) is True
        assert await log.wait(name, {0: log.bounds(name, 0).next}, timeout_s=0.02) is False

    async def test_waiting_from_the_beginning_of_an_empty_shard_is_in_vain(self, log, name):
        await log.create(name, 1)
        assert await log.wait(name, {0: 0}, timeout_s=0.02) is False
        await log.append(name, [entry(0, 1)])
        assert await log.wait(name, {0: 0}, timeout_s=0.02) is True
        await log.trim(name, 1 << 40)
        assert await log.wait(name, {0: 0}, timeout_s=0.02) is False

    async def test_who_waits_for_a_log_that_is_deleted_is_told(self, log, name):
        await log.create(name, 1)
        waiting = asyncio.create_task(log.wait(name, {0: log.bounds(name, 0).next}, timeout_s=10))
        await asyncio.sleep(0.02)
        await log.delete(name)
        with pytest.raises(LogMissing):
            await waiting

    async def test_trimmed_records_are_not_read_any_more(self, log, name):
        await log.create(name, 2)
        positions = await log.append(name, [entry(0, i, time_ms=1000 + i) for i in range(100)])
        await log.append(name, [entry(1, 1, time_ms=5000)])
        await log.trim(name, 1040)
        found = await everything(log, name, 0)
        assert [r.position for r in found] == list(positions[40:])
        assert log.bounds(name, 0).first == positions[40]
        assert await log.position_at(name, 0, 0) == positions[40]
        assert [r.value for r in await everything(log, name, 1)] == [entry(1, 1).value]
        await log.trim(name, 1000)
        assert log.bounds(name, 0).first == positions[40]

    async def test_positions_go_on_rising_when_everything_was_trimmed(self, log, name):
        await log.create(name, 1)
        positions = await log.append(name, [entry(0, i, time_ms=1000) for i in range(10)])
        await log.trim(name, 2000)
        bounds = log.bounds(name, 0)
        assert bounds.first == bounds.next > positions[-1]
        assert bounds.last_ms == 1000
        assert list(await everything(log, name, 0)) == []
        (position,) = await log.append(name, [entry(0, 11, time_ms=500)])
        assert position >= bounds.next
        assert [(r.position, r.time_ms) for r in await everything(log, name, 0)] == [(position, 1000)]

    async def test_everything_is_there_after_a_restart(self, log, name, reopen):
        await log.create(name, 2)
        positions = await log.append(name, [entry(i % 2, i, time_ms=1000 + i) for i in range(100)])
        await log.trim(name, 1010)
        await log.grow(name, 3)
        before = [log.bounds(name, shard) for shard in range(3)]
        found = [list(await everything(log, name, shard)) for shard in range(3)]
        log = await reopen(log)
        assert [log.bounds(name, shard) for shard in range(3)] == before
        assert [list(await everything(log, name, shard)) for shard in range(3)] == found
        (position,) = await log.append(name, [entry(0, 1000)])
        assert position > max(positions[::2])

    async def test_positions_are_not_used_again_after_a_restart_of_an_empty_log(self, log, name, reopen):
        await log.create(name, 1)
        positions = await log.append(name, [entry(0, i, time_ms=1000) for i in range(10)])
        await log.trim(name, 2000)
        log = await reopen(log)
        assert list(await everything(log, name, 0)) == []
        assert log.bounds(name, 0).last_ms == 1000
        (position,) = await log.append(name, [entry(0, 1)])
        assert position > positions[-1]

    async def test_stretches_hold_what_is_read_without_the_keys(self, log, name):
        await log.create(name, 2)
        entries = [entry(number % 2, number, size=number % 7) for number in range(300)]
        entries += [Entry(0, 2_000_000, b"k", b"noted", b"note"), Entry(0, 2_000_001, b"k", b""), entry(1, 3_000_000)]
        for begin in range(0, 100):
            await log.append(name, entries[begin : begin + 1])
        await log.append(name, entries[100:])
        for shard in (0, 1):
            expected = [Record(r.position, r.time_ms, b"", r.value, r.note) for r in await everything(log, name, shard)]
            for start in (0, 20, 70, 140):
                found = await log.read_stretches(name, shard, expected[start].position, size=100 << 20)
                assert [one for stretch in found for one in as_records(stretch)] == expected[start:]

    async def test_stretches_end_with_the_one_that_reaches_the_size(self, log, name):
        await log.create(name, 1)
        positions = []
        for begin in range(0, 1000, 100):
            positions += await log.append(name, [entry(0, begin + n, size=1000) for n in range(100)])
        at, sizes = 0, []
        while found := await log.read_stretches(name, 0, at, size=150_000):
            assert found[0].position == positions[sum(sizes)]
            sizes.append(sum(len(one.ends) for one in found))
            at = found[-1].position + len(found[-1].ends)
        assert sum(sizes) == 1000
        assert min(sizes[:-1]) >= 1 and max(sizes) <= 150_000 // 1000 + 200

    async def test_what_is_located_is_what_is_read(self, log, name):
        await log.create(name, 2)
        for begin, count, size in ((0, 3, 10), (3, 200, 300), (203, 5000, 20), (5203, 1, 100_000), (5204, 40, 1000)):
            await log.append(name, [entry(0, begin + n, size=size) for n in range(count)])
            await log.append(name, [entry(1, begin + n, time_ms=5, size=size) for n in range(count)])
        await log.append(name, [Entry(0, 2_000_000, b"k", bytes(1000), b"note")] * 100)
        for shard in (0, 1):
            expected = [Record(r.position, r.time_ms, b"", r.value, r.note) for r in await everything(log, name, shard)]
            for start in (0, 100, 5203):
                found, at = [], expected[start].position
                while more := await log.locate(name, shard, at, size=150_000):
                    for one in more:
                        if isinstance(one, Located):
                            one = Stretch(one.position, one.times, one.values.read(), one.ends)
                        found += as_records(one)
                    at = found[-1].position + 1
                assert found == expected[start:]
