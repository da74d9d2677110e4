"""Archives of code: kept as blobs by their SHA-256, unpacked when first needed.

An unpacked archive is a folder beside the blobs, made under another name and renamed when whole, its files read only:
workers of several functions may share it.
"""

import hashlib
import io
import secrets
import shutil
import stat
import zipfile
from pathlib import Path

from lakemill.engines.functions.errors import CodeInvalid
from lakemill.ports.blobs import EmbeddedBlobs

ARCHIVE_BYTES_MAX = 50 << 20
UNPACKED_BYTES_MAX = 250 << 20


class CodeStore:
    """All archives. Every method blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: EmbeddedBlobs | None = None

    @property
    def _blobs(self) -> EmbeddedBlobs:
        if self._made is None:
            self._made = EmbeddedBlobs(self._folder / "archives")
            self._made.sweep()
        return self._made

    def keep(self, archive: bytes) -> str:
        """Store an archive durably; its SHA-256 in hexadecimal. Raises CodeInvalid."""
        check(archive)
        digest = hashlib.sha256(archive).hexdigest()
        writing = self._blobs.create(digest)
        writing.write(archive)
        writing.commit()
        return digest

    def archive(self, digest: str) -> bytes:
        """The archive's bytes. Raises BlobMissing."""
        return self._blobs.read(digest)

    def unpacked(self, digest: str) -> Path:
        """The folder with its files."""
        place = self._folder / "unpacked" / digest
        if place.is_dir():
            return place
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{digest}.{secrets.token_hex(4)}")
        try:
            _unpack(self.archive(digest), beside)
            beside.rename(place)
        except OSError:
            if not place.is_dir():  # Somebody else was quicker.
                raise
        finally:
            _remove(beside)
        return place

    def bytecode(self, digest: str) -> Path:
        """A folder for what Python makes of the files, so that the next worker starts quicker."""
        place = self._folder / "bytecode" / digest
        place.mkdir(parents=True, exist_ok=True)
        return place

    def sweep(self, used: set[str]) -> None:
        """Remove what a crash left: archives that nobody refers to, and all that was unpacked, because nobody knows
        whether it is whole. Call it at the start."""
        _remove(self._folder / "unpacked")
        if (self._folder / "archives").is_dir():
            for digest in set(self._blobs.names()) - used:
                self.forget(digest)

    def forget(self, digest: str) -> None:
        """Remove an archive nobody refers to any more."""
        for made in ("unpacked", "bytecode"):
            _remove(self._folder / made / digest)
        self._blobs.delete(digest)


def check(archive: bytes) -> None:
    """Raise CodeInvalid unless these bytes are an archive we would unpack."""
    if len(archive) > ARCHIVE_BYTES_MAX:
        raise CodeInvalid(f"an archive must be at most {ARCHIVE_BYTES_MAX} bytes; this one has {len(archive)}")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            members = opened.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise CodeInvalid("could not unzip the archive; it is no zip file, or a damaged one") from None
    size = sum(member.file_size for member in members)
    if size > UNPACKED_BYTES_MAX:
        raise CodeInvalid(f"unzipped size must be smaller than {UNPACKED_BYTES_MAX} bytes")
    if not members:
        raise CodeInvalid("the archive is empty")
    for member in members:
        parts = Path(member.filename).parts
        if member.filename.startswith("/") or ".." in parts or member.flag_bits & 1:
            raise CodeInvalid(f"the archive's member {member.filename!r} leads outside, or is encrypted")


def _unpack(archive: bytes, folder: Path) -> None:
    folder.mkdir()
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for member in opened.infolist():
            place = Path(opened.extract(member, folder))
            if not place.is_dir():
                executable = member.external_attr >> 16 & 0o111
                place.chmod(0o555 if executable else 0o444)


def _remove(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder, ignore_errors=True)


def zipped(files: dict[str, bytes]) -> bytes:
    """An archive of these files; the same files give the same bytes.

    >>> check(zipped({"app.py": b"def handler(event, context): return event"}))
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            member = zipfile.ZipInfo(name)
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data)
    return buffer.getvalue()
