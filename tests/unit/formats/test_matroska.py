"""Matroska is cut at its clusters, however its bytes arrive, and what is put together again can be played."""

import contextlib
import io

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakemill.formats.matroska import (
    AUDIO,
    CLUSTER,
    EBML,
    INFO,
    SEGMENT,
    SIMPLE_BLOCK,
    TIMECODE,
    TRACKS,
    UNKNOWN,
    VIDEO,
    Began,
    Fragment,
    FragmentTooLarge,
    MatroskaBroken,
    Splitter,
    TrailingTags,
    cluster,
    element,
    elements,
    head,
    tags,
    unsigned,
)
from tests.journeys.video import recording

TRACK = element(0xAE, unsigned(0xD7, 1) + unsigned(0x83, VIDEO) + element(0x86, b"V_TEST"))
SOUND = element(
    0xAE, unsigned(0xD7, 2) + unsigned(0x83, AUDIO) + element(0x86, b"A_TEST") + unsigned(0x23E383, 20_000_000)
)
OPEN = element(EBML, b"") + bytes.fromhex("1853806701ffffffffffffff")
HEADER = OPEN + element(INFO, b"") + element(TRACKS, TRACK + SOUND)


def block(time: int, track: int = 1, size: int = 10) -> bytes:
    return element(SIMPLE_BLOCK, bytes([0x80 | track]) + time.to_bytes(2, "big", signed=True) + b"\x80" + b"x" * size)


def endless(timecode: int, content: bytes) -> bytes:
    """A cluster that does not say its size."""
    return bytes.fromhex("1f43b675ff") + unsigned(TIMECODE, timecode) + content


def cut(data: bytes, step: int, most: int = 1 << 20) -> list:
    splitter = Splitter(most)
    found = [event for at in range(0, len(data), step) for event in splitter.feed(data[at : at + step])]
    return found + list(splitter.end())


@given(st.integers(min_value=0, max_value=1 << 40), st.binary(max_size=300))
def test_an_element_is_read_as_it_was_written(id_, content):
    for known in (EBML, CLUSTER, TIMECODE):
        data = element(known, content)
        assert list(elements(data)) == [(known, content)]
        assert head(data, 0)[:2] == (known, len(content))
        assert head(data[:1] if known != TIMECODE else b"", 0) is None
    ((_, number),) = elements(unsigned(TIMECODE, id_))
    assert int.from_bytes(number, "big") == id_


def test_a_size_of_all_ones_is_unknown():
    assert head(OPEN, len(OPEN) - 12) == (SEGMENT, UNKNOWN, len(OPEN))


@pytest.mark.parametrize("step", [1, 7, 100, 100_000])
@pytest.mark.parametrize("make", [cluster, endless])
def test_a_stream_is_cut_at_its_clusters(step, make):
    first, second = block(0) + block(40) + block(80), block(0) + block(-10, 2) + block(30, 2)
    found = cut(HEADER + make(1000, first) + make(1120, second), step)
    assert [type(one) for one in found] == [Began, Fragment, Began, Fragment]
    fragments = found[1::2]
    assert [(one.timecode, one.content) for one in fragments] == [(1000, first), (1120, second)]
    assert [one.length for one in fragments] == [120, 60]
    assert [one.tracks for one in fragments] == [{1}, {1, 2}]
    assert fragments[0].header.bytes() == HEADER
    assert [(t.number, t.type, t.codec) for t in fragments[0].header.track_list()] == [
        (1, VIDEO, "V_TEST"),
        (2, AUDIO, "A_TEST"),
    ]


def test_tags_go_with_the_cluster_that_follows_and_the_last_stand_alone():
    one, two, three = (tags({"name": text}) for text in ("one", "two", "three"))
    found = cut(HEADER + one + cluster(1, block(0)) + two + cluster(2, block(0)) + three, 50)
    assert [event.tags for event in found if isinstance(event, Fragment)] == [one, two]
    assert found[-1] == TrailingTags(three)


def test_a_new_header_within_the_stream_counts_from_there_on():
    other = OPEN + element(INFO, unsigned(0x2AD7B1, 500_000)) + element(TRACKS, TRACK)
    found = cut(HEADER + endless(1, block(0)) + other + endless(2, block(0)), 33)
    first, second = (event for event in found if isinstance(event, Fragment))
    assert first.header.bytes() == HEADER
    assert second.header.bytes() == other
    assert second.header.scale_ns == 500_000


def test_what_has_no_use_in_a_stream_is_left_out():
    void, cues, position = element(0xEC, b"\0" * 9), element(0x1C53BB6B, b"c"), unsigned(0xA7, 5)
    content = block(0)
    (_, fragment) = cut(HEADER + void + cluster(1, position + content) + cues, 20)
    assert fragment.content == content
    assert fragment.tags == b""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x00" * 20, "id has more than four bytes"),
        (element(INFO, b"abc"), "does not begin with an EBML header"),
        (OPEN + cluster(1, block(0)), "a cluster comes before Info, Tracks"),
        (HEADER + element(CLUSTER, block(0)), "a cluster has no time"),
        (HEADER + cluster(1, block(0))[:-3], "ends within an element"),
        (HEADER + cluster(1, element(SIMPLE_BLOCK, b"\x81"))[:], "a block is too short"),
        (HEADER + bytes.fromhex("1f43b67584") + block(0), "reaches beyond its cluster"),
        (HEADER + bytes.fromhex("1f43b675ffa3ff"), "has no size"),
        (element(EBML, b"x" * (2 << 20)), "is too large"),
        (OPEN + element(INFO, unsigned(0x2AD7B1, 0)) + element(TRACKS, TRACK) + cluster(0, b""), "cannot last 0 ns"),
        (HEADER + cluster(1 << 63, block(0)), "more than 63 bits"),
        (HEADER + element(0x1254C367, b"x" * 600_000) * 2, "too many tags"),
    ],
)
def test_what_is_no_matroska_is_refused(data, message):
    with pytest.raises(MatroskaBroken, match=message):
        cut(data, 64)


@pytest.mark.parametrize("make", [cluster, endless])
def test_a_cluster_has_a_limit(make):
    with pytest.raises(FragmentTooLarge):
        cut(HEADER + make(0, block(0, size=600) + block(1, size=600)), 100, most=1000)


@given(st.binary(max_size=400), st.integers(min_value=1, max_value=50))
def test_no_bytes_do_worse_than_being_refused(data, step):
    for whole in (data, HEADER + data, HEADER + endless(0, data)):
        with contextlib.suppress(MatroskaBroken, FragmentTooLarge):
            cut(whole, step)


def test_a_real_recording_plays_after_it_was_put_together_again():
    data = recording(seconds=3, rate=10)
    fragments = [event for event in cut(data, 997) if isinstance(event, Fragment)]
    assert len(fragments) >= 3
    assert sum(one.length for one in fragments) == 3000
    again = fragments[0].header.bytes() + b"".join(
        tags({"A": "b"}) + cluster(one.timecode + 5000, one.content) for one in fragments
    )
    with av.open(io.BytesIO(again)) as played:
        frames = list(played.decode(video=0))
    assert len(frames) == 30
    assert float(frames[-1].pts * frames[-1].time_base) == pytest.approx(7.9)
