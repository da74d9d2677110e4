"""What every blobs adapter promises. An adapter's test class inherits this and gives a `blobs` fixture."""

import threading

import pytest

from lakemill.ports.blobs import BlobMissing


def store(blobs, name, *pieces):
    writing = blobs.create(name)
    for piece in pieces:
        writing.write(piece)
    return writing.commit()


class BlobContract:
    def test_what_was_committed_is_read_back(self, blobs):
        assert store(blobs, "a-1", b"good ", bytearray(b"mor"), memoryview(b"ning")) == 12
        assert blobs.read("a-1") == b"good morning"
        assert blobs.size("a-1") == 12

    def test_a_range_is_short_at_the_end_and_empty_beyond_it(self, blobs):
        store(blobs, "range", b"0123456789")
        assert blobs.read("range", 3, 4) == b"3456"
        assert blobs.read("range", 8, 100) == b"89"
        assert blobs.read("range", 10) == b""
        assert blobs.read("range", 50, 5) == b""
        assert blobs.read("range", 4, 0) == b""

    def test_an_empty_blob_is_a_blob(self, blobs):
        assert store(blobs, "empty") == 0
        assert blobs.read("empty") == b""
        assert list(blobs.names()) == ["empty"]

    def test_nobody_sees_a_blob_before_its_commit(self, blobs):
        writing = blobs.create("half")
        writing.write(b"x" * 100_000)
        assert list(blobs.names()) == []
        with pytest.raises(BlobMissing):
            blobs.read("half")
        with pytest.raises(BlobMissing):
            blobs.size("half")
        writing.commit()
        assert blobs.size("half") == 100_000

    def test_an_aborted_blob_never_was(self, blobs):
        writing = blobs.create("gone")
        writing.write(b"x")
        writing.abort()
        writing.abort()
        assert list(blobs.names()) == []
        assert blobs.sweep() == 0

    def test_abort_after_commit_changes_nothing(self, blobs):
        writing = blobs.create("kept")
        writing.write(b"x")
        writing.commit()
        writing.abort()
        assert blobs.read("kept") == b"x"

    def test_a_second_commit_of_a_name_replaces_the_first_at_once(self, blobs):
        store(blobs, "twice", b"old")
        writing = blobs.create("twice")
        writing.write(b"newer")
        assert blobs.read("twice") == b"old"
        writing.commit()
        assert blobs.read("twice") == b"newer"
        assert list(blobs.names()) == ["twice"]

    def test_a_deleted_blob_is_missing_and_deleting_it_again_is_no_error(self, blobs):
        store(blobs, "doomed", b"x")
        blobs.delete("doomed")
        blobs.delete("doomed")
        with pytest.raises(BlobMissing) as missing:
            blobs.read("doomed")
        assert missing.value.name == "doomed"

    def test_names_lists_every_committed_blob_once(self, blobs):
        expected = {f"blob-{i:03d}" for i in range(60)}
        for name in expected:
            store(blobs, name, b"x")
        names = list(blobs.names())
        assert len(names) == 60
        assert set(names) == expected

    @pytest.mark.parametrize("name", ["", "a", "A1", "a/b", "..", "a.b", "a_b", "x" * 65, "a\n"])
    def test_a_name_that_is_not_safe_everywhere_is_refused(self, blobs, name):
        with pytest.raises(ValueError, match="name"):
            blobs.create(name)

    @pytest.mark.parametrize("name", ["ab", "0" * 64, "a-b-0"])
    def test_every_safe_name_works(self, blobs, name):
        store(blobs, name, b"x")
        assert blobs.read(name) == b"x"

    def test_sweep_removes_what_crashed_writers_left_and_nothing_else(self, blobs):
        store(blobs, "kept", b"x")
        left = blobs.create("left")
        left.write(b"half")
        assert blobs.sweep() == 1
        assert list(blobs.names()) == ["kept"]
        left.abort()

    def test_a_local_file_if_there_is_one_holds_the_bytes(self, blobs):
        store(blobs, "file", b"bytes")
        path = blobs.path("file")
        assert path is None or path.read_bytes() == b"bytes"

    def test_many_threads_write_many_blobs(self, blobs):
        failures = []

        def write(number):
            try:
                for i in range(5):
                    store(blobs, f"t{number}-{i}", bytes([number]) * (1000 * i + 1))
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(list(blobs.names())) == 40
        assert blobs.read("t7-4") == bytes([7]) * 4001
