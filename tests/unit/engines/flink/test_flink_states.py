"""Saved states: which is the newest, which stay; and what Flink says about those it could not save."""

import os
from pathlib import Path

import pytest

from lakemill.engines.flink import SnapshotFailed, Store, states
from lakemill.engines.flink.manager import _place
from lakemill.ports.compute import EmbeddedCompute


def checkpoint(folder, job, number, age_s):
    place = folder / "checkpoints" / job / f"chk-{number}"
    place.mkdir(parents=True)
    (place / "_metadata").write_text("")
    os.utime(place / "_metadata", (1e9 - age_s, 1e9 - age_s))
    return place


def test_the_newest_whole_checkpoint_of_all_attempts_is_found_and_the_others_go(tmp_path):
    assert states.newest(tmp_path) is None
    old = checkpoint(tmp_path, "a", 9, 10)
    new = checkpoint(tmp_path, "b", 2, 5)
    (tmp_path / "checkpoints" / "b" / "chk-3").mkdir()  # Flink was writing it.
    assert states.newest(tmp_path) == new
    states.keep_only(tmp_path, new)
    assert not old.exists()
    assert new.exists()


def test_where_a_snapshot_is_and_why_there_is_none():
    assert _place({"location": "file:/a/savepoint-1"}) == Path("/a/savepoint-1")
    trace = "java.lang.A: x\n\tat b\nCaused by: java.io.IOException: the disk is full\n\tat c"
    with pytest.raises(SnapshotFailed, match="the disk is full"):
        _place({"failure-cause": {"stack-trace": trace}})


def test_archives_are_kept_by_what_is_in_them_until_nobody_wants_them(tmp_path):
    store = Store(tmp_path / "flink", EmbeddedCompute(tmp_path / "runs"))
    first, second = store.keep(b"one"), store.keep(b"two")
    assert store.keep(b"one") == first
    assert store.archive(first).read_bytes() == b"one"
    store.sweep({second})
    assert [store.archive(one).exists() for one in (first, second)] == [False, True]
