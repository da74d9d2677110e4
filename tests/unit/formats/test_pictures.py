"""Pictures out of Matroska: the frame that is shown at a moment, in the size and kind wished for."""

import io
import json
import subprocess
import sys

import av
import msgspec
import pytest

from lakemill.formats.pictures import pictures
from tests.journeys.video import recording


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "source.mkv"
    path.write_bytes(recording(seconds=2))
    return path


def opened(picture: bytes):
    with av.open(io.BytesIO(picture)) as file:
        (frame,) = file.decode(video=0)
        return file.streams.video[0].codec_context.name, frame


@pytest.mark.parametrize(("format_", "coder"), [("JPEG", "mjpeg"), ("PNG", "png")])
def test_the_frame_of_a_moment_is_the_last_that_has_begun(source, format_, coder):
    with av.open(str(source)) as played:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in played.decode(video=0)]
    made = pictures(str(source), [0, 149, 150, 1000, 5000], {"format": format_})
    for picture, at in zip(made, (0, 1, 1, 10, 19), strict=True):
        name, frame = opened(picture)
        assert name == coder
        assert abs(frame.to_ndarray(format="rgb24").astype(int) - frames[at]).mean() < 4


@pytest.mark.parametrize(
    ("wish", "size"),
    [
        ({}, (160, 120)),
        ({"width": 80}, (80, 60)),
        ({"height": 240}, (320, 240)),
        ({"width": 50, "height": 50}, (50, 50)),
    ],
)
def test_sizes_keep_the_proportions_unless_both_are_given(source, wish, size):
    (picture,) = pictures(str(source), [0], {"format": "PNG"} | wish)
    _, frame = opened(picture)
    assert (frame.width, frame.height) == size


def test_a_better_quality_takes_more_bytes(source):
    sizes = [len(pictures(str(source), [500], {"format": "JPEG", "quality": q})[0]) for q in (1, 50, 100)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_what_cannot_be_decoded_gives_no_picture(source, tmp_path):
    (tmp_path / "broken.mkv").write_bytes(source.read_bytes()[:300] + b"\0" * 500)
    (tmp_path / "empty.mkv").write_bytes(b"")
    wish = {"sources": [{"path": str(tmp_path / name), "times": [0, 500]} for name in ("broken.mkv", "empty.mkv")]}
    wish["sources"].append({"path": str(source), "times": [0]})
    command = [sys.executable, "-m", "lakemill.formats.pictures", str(tmp_path / "target")]
    subprocess.run(command, input=json.dumps(wish | {"format": "PNG"}).encode(), check=True)
    broken, empty, good = msgspec.msgpack.decode((tmp_path / "target").read_bytes())
    assert broken == empty == [None, None]
    assert good[0].startswith(b"\x89PNG")
