import os
import tarfile
import time

from lakemill.services.sagemaker.artifacts import pack


def members(path):
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() if member.isfile() else None for member in tar}


def test_members_are_relative_and_sorted(tmp_path):
    model = tmp_path / "model"
    (model / "b").mkdir(parents=True)
    (model / "b" / "x").write_text("1")
    (model / "a").write_text("2")
    (model / "empty").mkdir()
    pack([model], tmp_path / "m.tar.gz")
    assert list(members(tmp_path / "m.tar.gz").items()) == [("a", b"2"), ("b", None), ("b/x", b"1"), ("empty", None)]


def test_an_empty_folder_gives_an_empty_archive(tmp_path):
    (tmp_path / "model").mkdir()
    pack([tmp_path / "model"], tmp_path / "m.tar.gz")
    assert members(tmp_path / "m.tar.gz") == {}


def test_the_same_files_give_the_same_bytes_later(tmp_path):
    packed = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        for member in ("b", "a") if name == "one" else ("a", "b"):
            (folder / member).write_text(member)
        os.utime(folder / "a", (time.time(), 1_000_000 if name == "one" else 2_000_000))
        pack([folder], tmp_path / f"{name}.tar.gz")
        packed.append((tmp_path / f"{name}.tar.gz").read_bytes())
    assert packed[0] == packed[1]


def test_links_become_files_and_what_is_no_file_is_left_out(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "real").write_text("content")
    (model / "link").symlink_to("real")
    (model / "broken").symlink_to("nowhere")
    os.mkfifo(model / "pipe")
    pack([model], tmp_path / "m.tar.gz")
    assert members(tmp_path / "m.tar.gz") == {"link": b"content", "real": b"content"}


def test_extra_files_go_to_the_top(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "failure").write_text("why")
    pack([tmp_path / "data"], tmp_path / "o.tar.gz", (tmp_path / "failure",))
    assert members(tmp_path / "o.tar.gz") == {"failure": b"why"}
