"""Archives: kept by their hash, unpacked once, refused when they are none."""

import io
import os
import zipfile

import pytest

from lakemill.engines.functions import CodeInvalid, code, zipped
from lakemill.engines.functions.code import CodeStore, check
from lakemill.ports.blobs import BlobMissing


@pytest.fixture
def store(code_folder):
    return CodeStore(code_folder)


def test_what_is_kept_is_there_for_another_store_on_the_same_folder(store, code_folder):
    archive = zipped({"app.py": b"x = 1\n", "lib/deep.py": b"y = 2\n"})
    digest = store.keep(archive)
    again = CodeStore(code_folder)
    assert again.archive(digest) == archive
    folder = again.unpacked(digest)
    assert (folder / "lib" / "deep.py").read_bytes() == b"y = 2\n"


def test_the_same_files_have_the_same_hash(store):
    assert store.keep(zipped({"a.py": b"1", "b.py": b"2"})) == store.keep(zipped({"b.py": b"2", "a.py": b"1"}))


def test_unpacked_files_cannot_be_written(store):
    place = store.unpacked(store.keep(zipped({"app.py": b"x = 1\n"}))) / "app.py"
    assert not os.stat(place).st_mode & 0o222


def test_what_is_forgotten_is_gone(store):
    digest = store.keep(zipped({"app.py": b"x"}))
    folder = store.unpacked(digest)
    store.forget(digest)
    assert not folder.exists()
    with pytest.raises(BlobMissing):
        store.archive(digest)


@pytest.mark.parametrize("name", ["../out.py", "/etc/out.py", "a/../../out.py"])
def test_an_archive_that_leads_outside_is_refused(name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")
    with pytest.raises(CodeInvalid, match="outside"):
        check(buffer.getvalue())


@pytest.mark.parametrize("damage", [b"", b"no zip at all", zipped({"app.py": b"x" * 100})[:-30]])
def test_what_is_no_archive_is_refused(store, damage):
    with pytest.raises(CodeInvalid, match="unzip"):
        store.keep(damage)


def test_an_archive_that_would_be_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(code, "UNPACKED_BYTES_MAX", 1000)
    with pytest.raises(CodeInvalid, match="must be smaller"):
        check(zipped({"big": bytes(1001)}))
