"""A model's files: fetched from the object store, unpacked into the folder a serving process reads.

An archive is somebody else's bytes, so nothing in it may land, or point, outside the folder: names must be relative and
free of `..`; only files, folders and links are unpacked; links are made last, so that nothing is ever written through
one, and each must lead to a place inside. Size and number of members are limited before they are written. A folder is
unpacked under another name and renamed, so it is there wholly or not at all.
"""

import os
import posixpath
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from lakemill.engines.hosting.errors import ArtifactError

UNPACKED_BYTES_MAX = 64 << 30
MEMBERS_MAX = 200_000
DISK_SPARE_BYTES = 256 << 20
"""What must stay free on the disk."""


def unpack(archive: Path, folder: Path, *, bytes_max: int = UNPACKED_BYTES_MAX, members_max: int = MEMBERS_MAX) -> None:
    """Unpack a .tar.gz into folder, which must not exist. Raises ArtifactError."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            _unpack(tar, partial, min(bytes_max, _room(partial)), members_max)
    except (tarfile.TarError, EOFError, OSError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise ArtifactError(f"the model archive is not a readable .tar.gz: {error}") from error
    except ArtifactError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    partial.rename(folder)


def _room(folder: Path) -> int:
    return max(shutil.disk_usage(folder).free - DISK_SPARE_BYTES, 0)


def _unpack(tar: tarfile.TarFile, root: Path, bytes_max: int, members_max: int) -> None:
    links: list[tuple[tarfile.TarInfo, Path]] = []
    size = 0
    for number, member in enumerate(tar):
        if number >= members_max:
            raise ArtifactError(f"the model archive has more than {members_max} members")
        target = root / inside(member.name, "the model archive")
        if target == root:
            continue
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
        elif member.isreg():
            size += member.size
            if size > bytes_max:
                raise ArtifactError(f"the model archive unpacks to more than {bytes_max} bytes")
            _write(tar, member, target)
        elif member.issym() or member.islnk():
            links.append((member, target))
        else:
            raise ArtifactError(f"the model archive holds {member.name!r}, which is neither file, folder nor link")
    _make_links(links, root)


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source is not None  # It is a regular file.
    with source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    target.chmod(0o755 if member.mode & 0o111 else 0o644)


def _make_links(links: Iterable[tuple[tarfile.TarInfo, Path]], root: Path) -> None:
    made = []
    for member, target in links:
        target.parent.mkdir(parents=True, exist_ok=True)
        if member.islnk():
            source = root / inside(member.linkname, "a hard link of the model archive")
            if not source.is_file() or source.is_symlink():
                raise ArtifactError(f"the hard link {member.name!r} of the model archive leads to no file of it")
            target.unlink(missing_ok=True)
            os.link(source, target)
        else:
            start = posixpath.dirname(posixpath.normpath(member.name))
            inside(posixpath.join(start, member.linkname), f"the link {member.name!r} of the model archive")
            target.unlink(missing_ok=True)
            target.symlink_to(member.linkname)
            made.append((member.name, target))
    # Links to links could still climb out together, so look where each really ends.
    home = root.resolve()
    for name, target in made:
        if not target.resolve().is_relative_to(home):
            raise ArtifactError(f"the link {name!r} of the model archive leads out of it")


def inside(name: str, what: str) -> str:
    """The name, normalised, if it stays inside. Raises ArtifactError.

    >>> inside("./code/../model.bin", "the archive")
    'model.bin'
    """
    normal = posixpath.normpath(name)
    if posixpath.isabs(normal) or normal == ".." or normal.startswith("../") or "\\" in name or "\0" in name:
        raise ArtifactError(f"{what} leads outside: {name!r}")
    return normal


def relative_names(keys: Iterable[str], prefix: str) -> Iterator[tuple[str, str]]:
    """(key, name below prefix) of the keys under a prefix; folder markers are left out. Raises ArtifactError.

    >>> list(relative_names(["m/a.bin", "m/", "m/code/x.py"], "m/"))
    [('m/a.bin', 'a.bin'), ('m/code/x.py', 'code/x.py')]
    """
    for key in keys:
        name = key[len(prefix) :].lstrip("/")
        if name and not name.endswith("/"):
            yield key, inside(name, "a key of the model's prefix")
