"""engines/loglines: groups, streams, positions, retention."""

import pytest

from lakemill.engines.loglines import GroupExists, GroupMissing, LogLines, StreamExists, StreamMissing
from lakemill.ports.clock import ManualClock
from lakemill.ports.metadata import EmbeddedMetadata

SCOPE = "000000000000/us-east-1"


@pytest.fixture
def clock():
    return ManualClock(1_700_000_000)


@pytest.fixture
def lines(tmp_path, clock):
    metadata = EmbeddedMetadata(tmp_path / "metadata.sqlite", clock)
    yield LogLines(metadata, clock)
    metadata.close()


async def fill(lines, count, stream="s", group="g"):
    base = 1_700_000_000_000
    await lines.put(SCOPE, group, stream, [(base + i, f"line {i}") for i in range(count)])


async def test_pages_forward_meet_every_event_once(lines):
    await fill(lines, 2500)
    seen, position = [], None
    while True:
        page = lines.read(SCOPE, "g", "s", position=position, limit=700)
        if not page.events:
            break
        seen += [event.message for event in page.events]
        position = page.after
    assert seen == [f"line {i}" for i in range(2500)]


async def test_pages_backward_ascend_inside_and_descend_between(lines):
    await fill(lines, 30)
    last = lines.read(SCOPE, "g", "s", backward=True, limit=10)
    assert [event.position for event in last.events] == list(range(20, 30))
    before = lines.read(SCOPE, "g", "s", backward=True, limit=10, position=last.before)
    assert [event.position for event in before.events] == list(range(10, 20))


async def test_a_page_at_the_end_is_empty_until_more_comes(lines):
    await fill(lines, 3)
    end = lines.read(SCOPE, "g", "s")
    assert lines.read(SCOPE, "g", "s", position=end.after).events == []
    await fill(lines, 2)
    assert [e.message for e in lines.read(SCOPE, "g", "s", position=end.after).events] == ["line 0", "line 1"]


async def test_a_page_holds_at_most_a_megabyte_but_at_least_one_event(lines):
    await lines.put(SCOPE, "g", "s", [(1_700_000_000_000, "x" * 900_000), (1_700_000_000_001, "y" * 900_000)])
    page = lines.read(SCOPE, "g", "s")
    assert [event.message[0] for event in page.events] == ["x"]
    assert [event.message[0] for event in lines.read(SCOPE, "g", "s", position=page.after).events] == ["y"]


async def test_start_is_inclusive_and_end_exclusive(lines):
    await fill(lines, 10)
    base = 1_700_000_000_000
    page = lines.read(SCOPE, "g", "s", start_ms=base + 3, end_ms=base + 6)
    assert [event.timestamp_ms - base for event in page.events] == [3, 4, 5]


async def test_search_interleaves_streams_by_time(lines):
    await lines.put(SCOPE, "g", "a", [(1_700_000_000_001, "a1"), (1_700_000_000_005, "a5")])
    await lines.put(SCOPE, "g", "b", [(1_700_000_000_003, "b3")])
    assert [e.message for e in lines.search(SCOPE, "g", ["a", "b"])] == ["a1", "b3", "a5"]


async def test_names_are_unique_and_missing_ones_are_errors(lines):
    await lines.create_group(SCOPE, "g")
    await lines.create_stream(SCOPE, "g", "s")
    with pytest.raises(GroupExists):
        await lines.create_group(SCOPE, "g")
    with pytest.raises(StreamExists):
        await lines.create_stream(SCOPE, "g", "s")
    with pytest.raises(GroupMissing):
        lines.read(SCOPE, "other", "s")
    with pytest.raises(StreamMissing):
        await lines.put_existing(SCOPE, "g", "other", [(1_700_000_000_000, "x")])


async def test_groups_whose_names_begin_alike_do_not_mix(lines):
    await fill(lines, 1, stream="s", group="app")
    await fill(lines, 2, stream="s", group="app/web")
    assert [stream["events"] for stream in lines.streams(SCOPE, "app")] == [1]
    await lines.delete_group(SCOPE, "app")
    assert len(lines.read(SCOPE, "app/web", "s").events) == 2


async def test_retention_hides_at_once_and_removes_when_expired(lines, clock):
    await fill(lines, 5)
    await lines.update_group(SCOPE, "g", retention_days=1)
    clock.advance(3 * 24 * 3600)
    assert lines.read(SCOPE, "g", "s").events == []
    assert await lines.expire() == 1
    await lines.update_group(SCOPE, "g", retention_days=None)
    assert lines.read(SCOPE, "g", "s").events == []
