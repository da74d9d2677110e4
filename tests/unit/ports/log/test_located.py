"""Blocks that are told of without being read: they are read later, or by others."""

import pytest

from lakemill.ports.log import EmbeddedLog, Entry, Located, LogDamaged, check_block

from .test_embedded import flip, segments


@pytest.fixture
async def log(tmp_path):
    log = EmbeddedLog(tmp_path)
    await log.create("a", 1)
    for begin in (0, 100, 200):
        await log.append("a", [Entry(0, begin + n, b"key", b"%d:" % (begin + n) + bytes(300)) for n in range(100)])
    yield log
    log.close()


async def test_another_process_finds_the_values_at_the_end_of_a_whole_block(log):
    for number, one in enumerate(await log.locate("a", 0, 0, size=1 << 20)):
        assert isinstance(one, Located)
        values = one.values
        with open(values.path, "rb") as file:
            file.seek(values.offset)
            data = memoryview(file.read(values.block_bytes))
        check_block(data, values.block_bytes, str(values.path), values.offset)
        assert data[-values.size :] == values.read()
        assert bytes(data[-values.size :]).startswith(b"%d:" % (100 * number))


async def test_only_as_much_is_located_as_was_asked_for(log):
    found = await log.locate("a", 0, 0, size=40_000)
    assert [len(one.ends) for one in found] == [100, 100]
    assert await log.locate("a", 0, 301, size=40_000) == []


async def test_from_the_middle_of_a_block_on_it_is_read(log):
    (whole, *_) = await log.locate("a", 0, 51, size=1)
    assert not isinstance(whole, Located)
    assert bytes(whole.data[:3]) == b"50:"


async def test_a_damaged_block_is_found_by_its_reader(log, tmp_path):
    found = await log.locate("a", 0, 0, size=1 << 20)
    (path,) = segments(tmp_path)
    flip(path, found[1].values.offset + 20_000)
    again = await log.locate("a", 0, 0, size=1 << 20)
    assert found[0].values.read() == again[0].values.read()
    with pytest.raises(LogDamaged, match=f"0000000001.log, offset {again[1].values.offset}: this block"):
        again[1].values.read()


@pytest.mark.parametrize("at", [0, 16, 20, 24, 40])
async def test_a_damaged_header_is_found_at_once_or_by_its_reader(log, tmp_path, at):
    """Its mark, size, shard, count and position."""
    found = await log.locate("a", 0, 0, size=1 << 20)
    (path,) = segments(tmp_path)
    flip(path, found[1].values.offset + at)
    with pytest.raises(LogDamaged):
        for one in await log.locate("a", 0, 101, size=1 << 20):
            one.values.read()


async def test_values_are_read_when_their_file_has_no_name_any_more(log):
    found = await log.locate("a", 0, 0, size=1 << 20)
    expected = [bytes(one.values.read()) for one in found]
    await log.trim("a", 10_000)
    assert not found[0].values.path.exists()
    assert [bytes(one.values.read()) for one in found] == expected
