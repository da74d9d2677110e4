"""MP4 out of Matroska, frame by frame, nothing decoded; and the boxes of MP4. The former is for a process of its own:

    python -m lakemill.formats.mp4 [--fragmented] SOURCE.mkv TARGET.mp4

A box is four bytes of size, four of type, and a content. A fragmented MP4 is `ftyp moov (moof mdat)...`: the first two
say what comes, each pair after them is some frames; `tfdt` in a moof says their time.
Source: ISO/IEC 14496-12.
"""

import struct
import sys
from collections.abc import Iterator
from typing import Any

WITHOUT_PYAV = 3


class Mp4Broken(Exception):
    """The bytes are no MP4."""


def boxes(data: bytes, at: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int, int]]:
    """Type, begin, begin of the content and end of each box in data[at:end]. Raises Mp4Broken."""
    end = len(data) if end is None else end
    while at < end:
        if end - at < 8:
            raise Mp4Broken("a box is cut off")
        size, kind = struct.unpack_from(">I4s", data, at)
        begin = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, begin)
            begin += 8
        elif size == 0:
            size = end - at
        if size < begin - at or at + size > end:
            raise Mp4Broken("a box is cut off")
        yield kind, at, begin, at + size
        at += size


def halves(data: bytes) -> tuple[bytes, bytes]:
    """The beginning of a fragmented MP4 (ftyp, moov), and its moof and mdat boxes. Raises Mp4Broken."""
    first, rest = bytearray(), bytearray()
    for kind, at, _, end in boxes(data):
        if kind in (b"ftyp", b"moov"):
            first += data[at:end]
        elif kind in (b"moof", b"mdat"):
            rest += data[at:end]
    return bytes(first), bytes(rest)


def timescales(data: bytes) -> dict[int, int]:
    """Steps a second by track, from a moov. Raises Mp4Broken."""
    found: dict[int, int] = {}
    for _, _, begin, end in _find(data, (b"moov", b"trak")):
        track = next(_find(data, (b"tkhd",), begin, end))
        media = next(_find(data, (b"mdia", b"mdhd"), begin, end))
        version = data[track[2]]
        (number,) = struct.unpack_from(">I", data, track[2] + (20 if version else 12))
        (scale,) = struct.unpack_from(">I", data, media[2] + (20 if data[media[2]] else 12))
        found[number] = scale
    return found


def moved(data: bytes, scales: dict[int, int], seconds: float) -> bytes:
    """moof and mdat boxes, that many seconds later. scales: as `timescales` gives. Raises Mp4Broken."""
    out = bytearray(data)
    for _, _, begin, end in _find(data, (b"moof", b"traf")):
        header = next(_find(data, (b"tfhd",), begin, end))
        time = next(_find(data, (b"tfdt",), begin, end))
        (number,) = struct.unpack_from(">I", data, header[2] + 4)
        form = ">Q" if data[time[2]] else ">I"
        (before,) = struct.unpack_from(form, data, time[2] + 4)
        struct.pack_into(form, out, time[2] + 4, before + round(seconds * scales[number]))
    return bytes(out)


def _find(
    data: bytes, path: tuple[bytes, ...], at: int = 0, end: int | None = None
) -> Iterator[tuple[bytes, int, int, int]]:
    for box in boxes(data, at, end):
        if box[0] == path[0]:
            if len(path) == 1:
                yield box
            else:
                yield from _find(data, path[1:], box[2], box[3])


def remux(source: str, target: str, *, fragmented: bool) -> None:
    """Write the frames of a Matroska file as MP4. Raises av.FFmpegError."""
    import av

    flags = "frag_custom+empty_moov+default_base_moof+omit_tfhd_offset" if fragmented else "faststart"
    with av.open(source) as before, av.open(target, "w", format="mp4", options={"movflags": flags}) as after:
        tracks = {stream.index: after.add_stream_from_template(stream) for stream in before.streams}
        packets = [packet for packet in before.demux() if packet.size]  # One of no size marks the end.
        for index in tracks:
            _order([packet for packet in packets if packet.stream.index == index])
        for packet in packets:
            packet.stream = tracks[packet.stream.index]
            after.mux(packet)


def _order(packets: list[Any]) -> None:
    """Say when each packet of a track is to be decoded, which Matroska does not: in the order they stand, each no later
    than it is shown."""
    shown = [packet.pts for packet in packets]
    ordered = sorted(shown)
    late = max((one - at for one, at in zip(ordered, shown, strict=True)), default=0)
    for packet, at in zip(packets, ordered, strict=True):
        packet.dts = at - late


def main(arguments: list[str]) -> int:
    """Exit code 1 and a sentence where the source cannot be read, 3 where PyAV is not installed."""
    fragmented = "--fragmented" in arguments
    source, target = [one for one in arguments if not one.startswith("--")]
    try:
        import av
    except ImportError:
        print("PyAV is not installed; it comes with lakemill[streams]", file=sys.stderr)
        return WITHOUT_PYAV
    try:
        remux(source, target, fragmented=fragmented)
    except (av.FFmpegError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
