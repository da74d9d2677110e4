"""Video taken in, kept, watched and let go, with the clock held."""

import asyncio

import pytest
from tests.unit.formats.test_matroska import HEADER, block

from lakemill.engines.video import Intake, Video, watching
from lakemill.engines.video.errors import FragmentMissing, NothingKept, StreamExists, VersionStale
from lakemill.engines.video.fragments import began_at
from lakemill.formats.matroska import Fragment, Splitter, cluster, tags
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.clock import ManualClock

SCOPE = "1/here"
START = 1_738_324_800


@pytest.fixture
def clock():
    return ManualClock(START)


@pytest.fixture
def video(metadata, tmp_path, clock):
    return Video(metadata, EmbeddedBlobs(tmp_path / "video"), clock, tmp_path / "clips")


async def make(video, name="cam", retention_h=1):
    return await video.create(SCOPE, name, retention_h=retention_h, device=None, media_type=None, tags={})


async def pieces(*several):
    for one in several:
        if isinstance(one, float):
            await asyncio.sleep(one)
        else:
            yield one


async def put(video, stream, *several, start_ms=0, idle_s=5.0):
    intake = Intake(video, SCOPE, stream, start_ms, idle_s)
    return [one async for one in intake.acknowledgements(pieces(*several))]


def events(acknowledgements):
    return [(one.event, one.timecode) for one in acknowledgements]


def one_second(at_ms, count=2):
    return [cluster(at_ms + 1000 * n, block(0) + block(500)) for n in range(count)]


async def test_a_fragment_is_acknowledged_three_times(video):
    stream = await make(video)
    told = await put(video, stream, HEADER, *one_second(5000), start_ms=1_000_000)
    assert events(told) == [
        (event, timecode) for timecode in (5000, 6000) for event in ("BUFFERING", "RECEIVED", "PERSISTED")
    ]
    first, second = await video.archived(stream)
    assert [told[2].number, told[5].number] == [first.number, second.number]
    assert [first.producer_ms, second.producer_ms] == [1_005_000, 1_006_000]
    assert first.length_ms == 1000
    assert first.server_ms == began_at(first.number) == START * 1000
    assert second.number > first.number
    assert await video.fragments.content(first) == block(0) + block(500)


async def test_a_stream_that_keeps_nothing_acknowledges_no_keeping_but_can_be_watched(video, clock):
    stream = await make(video, retention_h=0)
    told = await put(video, stream, HEADER, *one_second(0, 1))
    assert events(told) == [("BUFFERING", 0), ("RECEIVED", 0)]
    with pytest.raises(NothingKept):
        await video.archived(stream)
    assert len(await watched(video, stream, watching.earliest(video, stream), 1)) == 1
    clock.advance(301)
    await video.expire()
    assert await video.fragments.all(stream["id"]) == []


@pytest.mark.parametrize(
    ("several", "kind"),
    [
        ([b"no matroska at all"], "broken"),
        ([HEADER, cluster(0, block(0) + block(25_000))], "duration"),
        ([HEADER, cluster(5000, block(0)), cluster(4000, block(0))], "order"),
        ([HEADER, cluster(0, block(0))[:-4]], "broken"),
        ([HEADER, cluster(1 << 50, block(0))], "time"),
    ],
)
async def test_what_cannot_go_on_ends_with_an_error(video, several, kind):
    stream = await make(video)
    told = await put(video, stream, *several)
    assert told[-1].event == "ERROR"
    assert told[-1].error.kind == kind
    kept = [one for one in told if one.event == "PERSISTED"]
    assert len(await video.archived(stream)) == len(kept)


async def test_a_connection_that_is_cut_off_keeps_what_was_whole(video):
    stream = await make(video)

    async def cut():
        yield HEADER + cluster(0, block(0)) + cluster(1000, block(0))[:-3]
        raise ConnectionResetError

    told = [one async for one in Intake(video, SCOPE, stream, 0).acknowledgements(cut())]
    assert [one.event for one in told] == ["BUFFERING", "RECEIVED", "PERSISTED", "BUFFERING", "ERROR"]
    assert told[-1].error.kind == "read"
    assert len(await video.archived(stream)) == 1


async def test_a_producer_that_waits_is_told_so(video):
    stream = await make(video)
    told = await put(video, stream, HEADER, 0.05, *one_second(0, 1), idle_s=0.02)
    assert told[0].event == "IDLE"
    assert told[-1].event == "PERSISTED"


async def test_a_deleted_stream_takes_nothing_more(video):
    stream = await make(video)

    async def deleting():
        yield HEADER + cluster(0, block(0))
        await video.delete(SCOPE, "cam", stream["version"])
        yield cluster(1000, block(0))

    told = [one async for one in Intake(video, SCOPE, stream, 0).acknowledgements(deleting())]
    assert told[-1].error.kind == "gone"
    assert await video.fragments.all(stream["id"]) == []


async def watched(video, stream, place, count):
    found = []
    live = watching.watch(video, stream, place, lambda kept, newest: {"NUMBER": kept.number}, idle_s=5)
    async for data in live:
        splitter = Splitter(1 << 20)
        found += [event for event in [*splitter.feed(data), *splitter.end()] if isinstance(event, Fragment)]
        if len(found) == count:
            break
    await live.aclose()
    return found


async def test_watching_goes_on_with_what_is_kept_later(video):
    stream = await make(video)
    await put(video, stream, HEADER, *one_second(0))
    everything = asyncio.create_task(watched(video, stream, watching.earliest(video, stream), 4))
    news = asyncio.create_task(watched(video, stream, watching.now(video.fragments, stream), 2))
    await asyncio.sleep(0.05)
    await put(video, stream, HEADER, *one_second(2000))
    assert [one.timecode for one in await everything] == [0, 1000, 2000, 3000]
    assert [one.timecode for one in await news] == [2000, 3000]
    assert all(b"NUMBER" in one.tags for one in everything.result())


async def test_watching_begins_where_it_is_told(video, clock):
    stream = await make(video)
    for at in range(3):
        await put(video, stream, HEADER, cluster(1000 * at, block(0) + block(500)), start_ms=50_000)
        clock.advance(10)
    first = (await video.archived(stream))[0]

    async def begins(place):
        return (await watched(video, stream, place, 1))[0].timecode

    assert await begins(watching.Place(first.number)) == 1000
    assert await begins(watching.at_producer_time(video, stream, 51_500)) == 1000
    assert await begins(watching.at_producer_time(video, stream, 52_000)) == 2000
    assert await begins(watching.at_server_time(video, stream, (START + 5) * 1000)) == 1000


async def test_tags_after_the_last_fragment_are_kept_with_it(video):
    stream = await make(video)
    await put(video, stream, HEADER, tags({"a": "1"}), *one_second(0, 1), tags({"b": "2"}))
    (kept,) = await video.archived(stream)
    assert (kept.tags, kept.tail) == (tags({"a": "1"}), tags({"b": "2"}))


async def test_fragments_past_their_time_go(video, clock):
    stream = await make(video)
    await put(video, stream, HEADER, *one_second(0, 1))
    clock.advance(1800)
    await put(video, stream, HEADER, *one_second(1000, 1))
    clock.advance(1801)
    (left,) = await video.archived(stream)
    assert left.timecode == 1000
    assert len(await video.fragments.all(stream["id"])) == 2
    await video.expire()
    assert len(await video.fragments.all(stream["id"])) == 1


async def test_a_start_clears_away_what_a_crash_left(video, metadata, tmp_path, clock):
    stream = await make(video)
    await put(video, stream, HEADER, *one_second(0))
    gone = await make(video, "gone")
    await put(video, gone, HEADER, *one_second(0))
    orphan = EmbeddedBlobs(tmp_path / "video").create("0" * 32)
    orphan.write(b"no document")
    orphan.commit()
    metadata.transact_blocking(lambda t: t.delete("resource_video_stream", f"{SCOPE}\x01gone"))
    again = Video(metadata, EmbeddedBlobs(tmp_path / "video"), clock, tmp_path / "clips")
    assert await again.recover() == 1
    assert len(list(EmbeddedBlobs(tmp_path / "video").names())) == 2
    first, _ = await again.archived(stream)
    assert await again.fragments.content(first) == block(0) + block(500)
    assert again.fragments.next_number(stream["id"]) > (await again.archived(stream))[-1].number
    with pytest.raises(FragmentMissing):
        again.fragments.get(stream["id"], "9")


async def test_a_change_needs_the_version_that_is_there(video):
    stream = await make(video)
    with pytest.raises(StreamExists):
        await make(video)
    changed = await video.update(SCOPE, "cam", stream["version"], lambda document: document.update(device="d"))
    assert changed["version"] != stream["version"]
    with pytest.raises(VersionStale):
        await video.update(SCOPE, "cam", stream["version"], lambda document: None)
    with pytest.raises(VersionStale):
        await video.delete(SCOPE, "cam", stream["version"])
