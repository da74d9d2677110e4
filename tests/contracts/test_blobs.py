import os
import subprocess
import sys
import threading
import time

import pytest

from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.blobs.embedded import _FolderFlush

from .blobs import BlobContract, store


class TestEmbeddedBlobs(BlobContract):
    @pytest.fixture
    def blobs(self, tmp_path):
        return EmbeddedBlobs(tmp_path / "blobs")

    def test_blobs_outlive_the_store_object(self, blobs, tmp_path):
        store(blobs, "kept", b"x" * 10)
        assert EmbeddedBlobs(tmp_path / "blobs").read("kept") == b"x" * 10

    def test_a_reader_that_has_the_file_open_keeps_reading_after_delete(self, blobs):
        store(blobs, "open", b"still here")
        with open(blobs.path("open"), "rb") as file:
            blobs.delete("open")
            assert file.read() == b"still here"

    def test_a_killed_writer_leaves_no_blob_and_sweep_clears_its_rest(self, blobs, tmp_path):
        script = (
            "import os, signal, sys; from pathlib import Path; from lakemill.ports.blobs import EmbeddedBlobs\n"
            "blobs = EmbeddedBlobs(Path(sys.argv[1]))\n"
            "done = blobs.create('done'); done.write(b'all of it'); done.commit()\n"
            "half = blobs.create('half'); half.write(b'part'); os.kill(os.getpid(), signal.SIGKILL)"
        )
        outcome = subprocess.run([sys.executable, "-c", script, str(tmp_path / "blobs")])
        assert outcome.returncode == -9
        again = EmbeddedBlobs(tmp_path / "blobs")
        assert again.sweep() == 1
        assert list(again.names()) == ["done"]
        assert again.read("done") == b"all of it"

    def test_commit_flushes_the_file_before_the_rename_and_the_folder_after(self, blobs, monkeypatch):
        order = []
        fsync, rename = os.fsync, os.rename

        def spy_fsync(descriptor):
            order.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
            fsync(descriptor)

        def spy_rename(*arguments, **options):
            order.append("rename")
            rename(*arguments, **options)

        monkeypatch.setattr(os, "fsync", spy_fsync)
        monkeypatch.setattr(os, "rename", spy_rename)
        store(blobs, "durable", b"x")
        assert order == ["file", "rename", "folder"]


class TestFolderFlush:
    def test_callers_that_come_during_a_flush_share_the_next_one(self, tmp_path, monkeypatch):
        flushes = []

        def slow(folder):
            flushes.append(folder)
            time.sleep(0.2)

        monkeypatch.setattr("lakemill.ports.blobs.embedded._flush_folder", slow)
        flush = _FolderFlush(tmp_path)
        threads = [threading.Thread(target=flush.flush) for _ in range(6)]
        threads[0].start()
        time.sleep(0.05)
        for thread in threads[1:]:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(flushes) == 2

    def test_a_failed_flush_serves_nobody(self, tmp_path, monkeypatch):
        def broken(folder):
            raise OSError("disk")

        monkeypatch.setattr("lakemill.ports.blobs.embedded._flush_folder", broken)
        flush = _FolderFlush(tmp_path)
        for _ in range(2):
            with pytest.raises(OSError, match="disk"):
                flush.flush()
