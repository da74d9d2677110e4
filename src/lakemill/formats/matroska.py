"""Matroska (MKV): elements, and the cutting of a stream into fragments at its clusters.

An element is an id, a size and a content; ids and sizes have variable length, and a size of all ones says "unknown":
such an element ends where one begins that cannot be in it. A stream is

    EBML  Segment( ... Info Tracks [Tags] Cluster Cluster [Tags] Cluster ... )        maybe followed by another EBML

and a fragment is one cluster, with the tags in front of it. Frames are never touched.
Source: RFC 9559 (Matroska), RFC 8794 (EBML).
"""

import dataclasses
import struct
from collections.abc import Iterator

EBML, SEGMENT, INFO, TRACKS, CLUSTER, TAGS = (
    *(0x1A45DFA3, 0x18538067, 0x1549A966),
    *(0x1654AE6B, 0x1F43B675, 0x1254C367),
)
LEVEL_1 = {INFO, TRACKS, CLUSTER, TAGS, 0x114D9B74, 0x1C53BB6B, 0x1941A469, 0x1043A770}
"""Also SeekHead, Cues, Attachments, Chapters, which are of no use in a stream and are left out."""
TIMESTAMP_SCALE, TIMECODE, SIMPLE_BLOCK, BLOCK_GROUP, BLOCK, BLOCK_DURATION = 0x2AD7B1, 0xE7, 0xA3, 0xA0, 0xA1, 0x9B
POSITION, PREVIOUS_SIZE = 0xA7, 0xAB
TRACK_ENTRY, TRACK_NUMBER, TRACK_TYPE, CODEC_ID, CODEC_PRIVATE, DEFAULT_DURATION = (
    0xAE,
    0xD7,
    0x83,
    0x86,
    0x63A2,
    0x23E383,
)
TAG, SIMPLE_TAG, TAG_NAME, TAG_STRING = 0x7373, 0x67C8, 0x45A3, 0x4487
VIDEO, AUDIO = 1, 2
UNKNOWN = -1
SCALE_NS_MAX = 1_000_000_000
HEADER_BYTES_MAX = 1 << 20
"""An element outside clusters may be this large."""


class MatroskaBroken(Exception):
    """The bytes are no Matroska stream."""


class FragmentTooLarge(Exception):
    """A cluster is larger than it may be."""


def element(id_: int, content: bytes) -> bytes:
    """An element of a known size.

    >>> element(0xE7, b"\\x05").hex()
    'e78105'
    """
    length = len(content)
    size = 1
    while length >= (1 << 7 * size) - 1:
        size += 1
    return _id_bytes(id_) + (length | 1 << 7 * size).to_bytes(size, "big") + content


def unsigned(id_: int, value: int) -> bytes:
    """An element that holds a number."""
    return element(id_, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _id_bytes(id_: int) -> bytes:
    return id_.to_bytes((id_.bit_length() + 7) // 8, "big")


def head(data: bytes | bytearray, at: int) -> tuple[int, int, int] | None:
    """Id, size (UNKNOWN) and where the content begins of the element at `at`; None if more bytes are needed.

    Raises MatroskaBroken.
    """
    if at >= len(data):
        return None
    width = 9 - data[at].bit_length()
    if width > 4:
        raise MatroskaBroken("an element's id has more than four bytes")
    after = at + width
    if after >= len(data):
        return None
    id_ = int.from_bytes(data[at:after], "big")
    size_width = 9 - data[after].bit_length()
    if size_width > 8:
        raise MatroskaBroken("an element's size has more than eight bytes")
    begin = after + size_width
    if begin > len(data):
        return None
    mask = (1 << 7 * size_width) - 1
    size = int.from_bytes(data[after:begin], "big") & mask
    return id_, UNKNOWN if size == mask else size, begin


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Id and content of each element in a row of whole ones. Raises MatroskaBroken."""
    at = 0
    while at < len(data):
        found = head(data, at)
        if found is None or found[1] == UNKNOWN or found[2] + found[1] > len(data):
            raise MatroskaBroken("an element is cut off")
        id_, size, begin = found
        at = begin + size
        yield id_, data[begin:at]


@dataclasses.dataclass(frozen=True)
class Track:
    """type: VIDEO, AUDIO or another number. frame_ns: how long a frame lasts, 0 if that is not said."""

    number: int
    type: int
    codec: str
    private: bytes | None
    frame_ns: int


@dataclasses.dataclass(frozen=True)
class Header:
    """What stands in front of the first cluster: whole elements."""

    ebml: bytes
    info: bytes
    tracks: bytes

    def bytes(self) -> bytes:
        """The beginning of a stream: EBML, a segment of unknown size, Info, Tracks."""
        return self.ebml + _id_bytes(SEGMENT) + b"\x01" + b"\xff" * 7 + self.info + self.tracks

    @property
    def scale_ns(self) -> int:
        """Nanoseconds of one step of time."""
        ((_, content),) = elements(self.info)
        return next(
            (int.from_bytes(value, "big") for id_, value in elements(content) if id_ == TIMESTAMP_SCALE), 1_000_000
        )

    def track_list(self) -> list[Track]:
        """All tracks. Raises MatroskaBroken."""
        ((_, content),) = elements(self.tracks)
        return [_track(dict(elements(entry))) for id_, entry in elements(content) if id_ == TRACK_ENTRY]


def _track(members: dict[int, bytes]) -> Track:
    number, type_, frame_ns = (
        int.from_bytes(members.get(id_, b""), "big") for id_ in (TRACK_NUMBER, TRACK_TYPE, DEFAULT_DURATION)
    )
    codec = members.get(CODEC_ID, b"").rstrip(b"\0").decode("latin-1")
    return Track(number, type_, codec, members.get(CODEC_PRIVATE), frame_ns)


@dataclasses.dataclass(frozen=True)
class Fragment:
    """A cluster that is whole.

    timecode: its time in steps of the header's scale. content: its elements but the time and those that say where in a
    file it stands. tags: Tags elements in front of it. length: steps from its first frame to the end of its last.
    tracks: numbers of the tracks that have frames in it.
    """

    header: Header
    timecode: int
    content: bytes
    tags: bytes
    length: int
    tracks: frozenset[int]


@dataclasses.dataclass(frozen=True)
class Began:
    """A cluster has begun whose time is known."""

    header: Header
    timecode: int


@dataclasses.dataclass(frozen=True)
class TrailingTags:
    """Tags after the last cluster of a stream."""

    tags: bytes


def cluster(timecode: int, content: bytes) -> bytes:
    """A cluster of a known size."""
    return element(CLUSTER, unsigned(TIMECODE, timecode) + content)


def tags(texts: dict[str, str]) -> bytes:
    """A Tags element with one tag of these names and texts."""
    simple = b"".join(
        element(SIMPLE_TAG, element(TAG_NAME, name.encode()) + element(TAG_STRING, text.encode()))
        for name, text in texts.items()
    )
    return element(TAGS, element(TAG, simple))


class Splitter:
    """Bytes in, Began, Fragment and TrailingTags out.

        for event in splitter.feed(piece): ...
        for event in splitter.end(): ...

    Raises MatroskaBroken, FragmentTooLarge.
    """

    def __init__(self, fragment_bytes_max: int) -> None:
        self._max = fragment_bytes_max
        self._data = bytearray()
        self._parts: dict[int, bytes] = {}
        self._header: Header | None = None
        self._tags = b""
        self._cluster: _Cluster | None = None

    def feed(self, piece: bytes) -> Iterator[Began | Fragment]:
        self._data += piece
        at = 0
        while (found := head(self._data, at)) is not None:
            if self._cluster is not None and self._cluster.ends_before(found[0]):
                yield self._finish()
            if self._cluster is None and found[0] in (SEGMENT, CLUSTER):
                at = found[2]
                if found[0] == CLUSTER:
                    self._begin(found[1])
                continue
            id_, size, begin = found
            self._check(id_, size)
            if begin + size > len(self._data):
                break
            yield from self._take(id_, bytes(self._data[at : begin + size]), begin - at)
            at = begin + size
        del self._data[:at]

    def end(self) -> Iterator[Fragment | TrailingTags]:
        """The stream has ended: a cluster of unknown size is whole then. Raises MatroskaBroken if one was cut off."""
        if self._data or (self._cluster is not None and self._cluster.left != UNKNOWN):
            raise MatroskaBroken("the stream ends within an element")
        if self._cluster is not None:
            yield self._finish()
        if self._tags:
            yield TrailingTags(self._tags)

    def _check(self, id_: int, size: int) -> None:
        if self._cluster is None:
            if self._header is None and EBML not in self._parts and id_ != EBML:
                raise MatroskaBroken("the stream does not begin with an EBML header")
            if size == UNKNOWN or size > HEADER_BYTES_MAX:
                raise MatroskaBroken(f"the element {id_:#x} outside a cluster is too large")
        elif size == UNKNOWN:
            raise MatroskaBroken(f"the element {id_:#x} in a cluster has no size")
        elif self._cluster.size + size > self._max:
            raise FragmentTooLarge(f"a cluster has more than {self._max} bytes")

    def _begin(self, size: int) -> None:
        if missing := [
            name for name, id_ in (("EBML", EBML), ("Info", INFO), ("Tracks", TRACKS)) if id_ not in self._parts
        ]:
            raise MatroskaBroken(f"a cluster comes before {', '.join(missing)}")
        parts = Header(*(self._parts[id_] for id_ in (EBML, INFO, TRACKS)))
        if parts != self._header:
            if not 0 < parts.scale_ns <= SCALE_NS_MAX:
                raise MatroskaBroken(f"a step of time cannot last {parts.scale_ns} ns")
            self._header = parts
        if size != UNKNOWN and size > self._max:
            raise FragmentTooLarge(f"a cluster has more than {self._max} bytes")
        assert self._header is not None
        self._cluster = _Cluster(self._header, size)

    def _take(self, id_: int, whole: bytes, begin: int) -> Iterator[Began | Fragment]:
        if self._cluster is None:
            if id_ == TAGS:
                self._tags += whole
                if len(self._tags) > HEADER_BYTES_MAX:
                    raise MatroskaBroken("there are too many tags between two clusters")
            elif id_ in (EBML, INFO, TRACKS):
                self._parts[id_] = whole
            return
        had = self._cluster.timecode
        self._cluster.add(id_, whole, begin)
        if had is None and self._cluster.timecode is not None:
            yield Began(self._cluster.header, self._cluster.timecode)
        if self._cluster.left == 0:
            yield self._finish()

    def _finish(self) -> Fragment:
        assert self._cluster is not None
        fragment = self._cluster.fragment(self._tags)
        self._cluster, self._tags = None, b""
        return fragment


class _Cluster:
    """One that is arriving. left: bytes that are missing, UNKNOWN if it ends where something else begins."""

    def __init__(self, header: Header, size: int) -> None:
        self.header, self.left, self.size = header, size, 0
        self.timecode: int | None = None
        self._content = bytearray()
        self._times: dict[int, list[int]] = {}
        self._end = 0

    def ends_before(self, id_: int) -> bool:
        return self.left == UNKNOWN and (id_ in LEVEL_1 or id_ in (EBML, SEGMENT))

    def add(self, id_: int, whole: bytes, begin: int) -> None:
        self.size += len(whole)
        if self.left != UNKNOWN:
            self.left -= len(whole)
            if self.left < 0:
                raise MatroskaBroken("an element reaches beyond its cluster")
        if id_ == TIMECODE:
            self.timecode = int.from_bytes(whole[begin:], "big")
            if self.timecode >= 1 << 63:
                raise MatroskaBroken("a cluster's time has more than 63 bits")
            return
        if id_ in (POSITION, PREVIOUS_SIZE):
            return
        self._content += whole
        if id_ == SIMPLE_BLOCK:
            self._note(whole[begin : begin + 12], 0)
        elif id_ == BLOCK_GROUP:
            group = dict(elements(whole[begin:]))
            if BLOCK in group:
                self._note(group[BLOCK][:12], int.from_bytes(group.get(BLOCK_DURATION, b""), "big"))

    def _note(self, block: bytes, duration: int) -> None:
        """A block begins with its track's number and its time after the cluster's, two bytes with a sign."""
        width = 9 - block[0].bit_length() if block else 9
        if width > 8 or len(block) < width + 3:
            raise MatroskaBroken("a block is too short")
        track = int.from_bytes(block[:width], "big") & ((1 << 7 * width) - 1)
        (time,) = struct.unpack_from(">h", block, width)
        self._times.setdefault(track, []).append(time)
        self._end = max(self._end, time + duration)

    def fragment(self, tags: bytes) -> Fragment:
        if self.timecode is None:
            raise MatroskaBroken("a cluster has no time")
        return Fragment(self.header, self.timecode, bytes(self._content), tags, self._length(), frozenset(self._times))

    def _length(self) -> int:
        """To the end of the last frame; how long that lasts says the track, or else the frames before it."""
        end, frames = self._end, {t.number: t.frame_ns // self.header.scale_ns for t in self.header.track_list()}
        first = min((min(times) for times in self._times.values()), default=0)
        for track, times in self._times.items():
            last = frames.get(track, 0)
            if not last and len(times) > 1:
                last = round((max(times) - min(times)) / (len(times) - 1))
            end = max(end, max(times) + last)
        return max(0, end - first)
