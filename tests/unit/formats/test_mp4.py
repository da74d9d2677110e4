"""MP4 out of Matroska keeps every frame; its pieces can be moved in time."""

import io
import sys

import av
import pytest

from lakemill.formats import mp4
from tests.journeys.video import recording


def frames(data: bytes) -> list[float]:
    with av.open(io.BytesIO(data)) as played:
        return [float(frame.pts * frame.time_base) for frame in played.decode(video=0)]


@pytest.fixture(scope="module", params=[False, True], ids=["in order", "reordered"])
def source(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("mp4") / "source.mkv"
    path.write_bytes(recording(seconds=2, reordered=request.param))
    return path


def test_a_clip_has_every_frame(source, tmp_path):
    assert mp4.main([str(source), str(tmp_path / "clip.mp4")]) == 0
    times = frames((tmp_path / "clip.mp4").read_bytes())
    assert [time - times[0] for time in times] == pytest.approx([at / 10 for at in range(20)])


def test_a_piece_can_be_moved_in_time(source, tmp_path):
    assert mp4.main(["--fragmented", str(source), str(tmp_path / "piece.mp4")]) == 0
    first, rest = mp4.halves((tmp_path / "piece.mp4").read_bytes())
    assert [kind for kind, *_ in mp4.boxes(first)] == [b"ftyp", b"moov"]
    assert {kind for kind, *_ in mp4.boxes(rest)} == {b"moof", b"mdat"}
    times = frames(first + rest)
    assert [time - times[0] for time in times] == pytest.approx([at / 10 for at in range(20)])
    later = mp4.moved(rest, mp4.timescales(first), 60.0)
    assert frames(first + rest + later)[20:] == pytest.approx([60 + time for time in times])


def test_what_cannot_be_read_is_said(tmp_path, capsys):
    (tmp_path / "source.mkv").write_bytes(b"no video")
    assert mp4.main([str(tmp_path / "source.mkv"), str(tmp_path / "clip.mp4")]) == 1
    assert "Invalid data" in capsys.readouterr().err


@pytest.mark.parametrize("data", [b"abc", b"\0\0\0\x04moov", b"\0\0\1\0moov"])
def test_boxes_that_are_cut_off_are_refused(data):
    with pytest.raises(mp4.Mp4Broken):
        list(mp4.boxes(data))


def test_without_pyav_it_is_said_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "av", None)
    assert mp4.main([str(tmp_path / "source.mkv"), str(tmp_path / "clip.mp4")]) == mp4.WITHOUT_PYAV
    assert "lakemill[streams]" in capsys.readouterr().err
