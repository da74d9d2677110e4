"""Pictures out of Matroska: frames as JPEG or PNG. For a process of its own, since it decodes what anybody has sent:

    python -m lakemill.formats.pictures TARGET < wish.json

The wish is `{"sources": [{"path": ..., "times": [ms, ...]}], "format": "JPEG" or "PNG", "width", "height", "quality"}`;
the last three may be null. The target is MessagePack: for each source a list with a picture (or null) for each time.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

from lakemill.formats.mp4 import WITHOUT_PYAV

QUALITY = 80
CODERS = {"JPEG": ("mjpeg", "yuvj420p"), "PNG": ("png", "rgb24")}


def pictures(path: str, times: list[int], wish: dict[str, Any]) -> list[bytes | None]:
    """The frame that is shown at each time (ms, growing), None for all if nothing can be decoded."""
    import av

    found: list[bytes] = []
    before: Any = None
    try:
        with av.open(path) as source:
            for frame in source.decode(video=0):
                while len(found) < len(times) and before is not None and _ms(frame) > times[len(found)]:
                    found.append(picture(before, wish))
                before = frame
        while len(found) < len(times) and before is not None:
            found.append(picture(before, wish))
    except (av.FFmpegError, IndexError, ValueError):
        pass  # Broken frames, or no video: what was found before stands.
    return [*found, *[None] * (len(times) - len(found))]


def _ms(frame: Any) -> float:
    return float((frame.pts or 0) * frame.time_base) * 1000


def picture(frame: Any, wish: dict[str, Any]) -> bytes:
    """A frame, coded. With only one of width and height the other keeps the proportions."""
    import av

    width, height = wish.get("width"), wish.get("height")
    if width or height:
        width = width or max(1, round(frame.width * height / frame.height))
        height = height or max(1, round(frame.height * width / frame.width))
    name, pixels = CODERS[wish["format"]]
    frame = frame.reformat(width or frame.width, height or frame.height, pixels)
    coder: Any = av.CodecContext.create(name, "w")
    coder.width, coder.height, coder.pix_fmt, coder.time_base = frame.width, frame.height, pixels, frame.time_base
    if name == "mjpeg":
        # The coder's scale goes from 2, the best, to 31.
        step = round(31 - ((wish.get("quality") or QUALITY) - 1) * 29 / 99)
        coder.qmin = coder.qmax = step
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*coder.encode(frame), *coder.encode(None)])


def main(arguments: list[str]) -> int:
    """Exit code 3 where PyAV is not installed."""
    try:
        import av  # noqa: F401
    except ImportError:
        print("PyAV is not installed; it comes with lakemill[streams]", file=sys.stderr)
        return WITHOUT_PYAV
    wish = msgspec.json.decode(sys.stdin.buffer.read())
    made = [pictures(one["path"], one["times"], wish) for one in wish["sources"]]
    Path(arguments[0]).write_bytes(msgspec.msgpack.encode(made))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
