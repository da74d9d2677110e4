"""Which objects a job has read."""

import pytest

from lakemill.glueetl import bookmarks
from lakemill.glueetl.bookmarks import PAUSED, WINDOW_MS, Bookmark
from lakemill.glueetl.objects import Stored, _glob, place


def stored(key, modified, etag="e"):
    return Stored("b", key, 1, modified, etag)


def read(state, *found, **ends):
    """(keys that are read, the state after)."""
    bookmark = Bookmark(PAUSED, 0, {"c": {"s": state}} if state else {}, **ends)
    return [one.key for one in bookmark.unread("c", "s", found)], bookmark.read["c"]["s"]


T = 10 * WINDOW_MS


def test_objects_come_once_and_again_when_they_were_written_again():
    keys, state = read(None, stored("a", T), stored("b", T + 1))
    assert keys == ["a", "b"]
    assert read(state, stored("a", T), stored("b", T + 1))[0] == []
    assert read(state, stored("a", T + 5, "new"), stored("b", T + 1))[0] == ["a"]
    assert read(state, stored("a", T, "new"), stored("c", T + 9))[0] == ["a", "c"]


def test_an_object_that_appears_late_is_read():
    _, state = read(None, stored("b", T))
    assert read(state, stored("a", T - 10), stored("b", T))[0] == ["a"]
    assert read(state, stored("a", T - WINDOW_MS - 1), stored("b", T))[0] == []


def test_a_pause_reads_between_two_states():
    _, first = read(None, stored("a", T))
    _, second = read(first, stored("a", T), stored("b", T + 1))
    everything = (stored("a", T), stored("b", T + 1), stored("c", T + 2))
    assert read(None, *everything, since={"c": {"s": first}}, until={"c": {"s": second}})[0] == ["b"]
    assert read(None, *everything, since={}, until={"c": {"s": first}})[0] == ["a"]


def test_a_source_without_a_context_has_no_bookmark():
    assert bookmarks.unread("", "s", [stored("a", T)]) == [stored("a", T)]


def test_without_a_run_there_are_no_bookmarks(monkeypatch):
    monkeypatch.delenv("LAKEMILL_BOOKMARKS", raising=False)
    with pytest.raises(bookmarks.BookmarkFailed, match="for runs of jobs only"):
        bookmarks.begin("job-bookmark-enable")
    bookmarks.begin("job-bookmark-disable")
    bookmarks.commit()


@pytest.mark.parametrize(
    ("glob", "matching", "other"),
    [
        ("*.csv", "a.csv", "x/a.csv"),
        ("**.csv", "x/a.csv", "a.json"),
        ("{a,b}?.json", "b1.json", "c1.json"),
        ("[!a]*", "b", "a"),
        ("dir/**", "dir/x/y", "other/x"),
    ],
)
def test_globs_leave_objects_out(glob, matching, other):
    assert _glob(glob).fullmatch(matching) and not _glob(glob).fullmatch(other)


def test_a_place_is_of_s3():
    assert place("s3a://lake/a/b.json") == ("lake", "a/b.json")
    with pytest.raises(ValueError, match="must begin with s3://bucket; got hdfs:///x"):
        place("hdfs:///x")
