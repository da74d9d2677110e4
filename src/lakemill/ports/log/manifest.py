"""The manifest: how many shards a log has, and where each begins now. One small file (`log.json`), replaced whole.

{"version": 1, "first_segment": 3, "firsts": [1001, 1, 57]}
<crc32c of the line above, eight hexadecimal digits>
"""

import json
from pathlib import Path
from typing import NamedTuple

from awscrt.checksums import crc32c

from lakemill.ports.log.disk import Disk
from lakemill.ports.log.port import LogDamaged

NAME = "log.json"
VERSION = 1


class Manifest(NamedTuple):
    """What must be known of a log beside its segments."""

    first_segment: int
    """Segments before it are rubbish."""
    firsts: list[int]
    """Of each shard, the position of the oldest record that is kept."""


def read_manifest(disk: Disk, folder: Path) -> Manifest:
    """Raises LogDamaged."""
    path = folder / NAME
    try:
        file = disk.open(path)
        line, _, checksum = file.read(0, file.size()).partition(b"\n")
        if int(checksum, 16) != crc32c(line):
            raise ValueError("checksum")
        found = json.loads(line)
        if found["version"] != VERSION:
            raise LogDamaged(f"{path}, offset 0: version must be {VERSION}; got {found['version']}")
        return Manifest(found["first_segment"], found["firsts"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LogDamaged(f"{path}, offset 0: the manifest cannot be read ({error})") from error


def write_manifest(disk: Disk, folder: Path, manifest: Manifest) -> None:
    """Durable on return; on OSError the old one may still be there."""
    line = json.dumps({"version": VERSION, "first_segment": manifest.first_segment, "firsts": manifest.firsts}).encode()
    write_whole(disk, folder / NAME, line + b"\n" + b"%08x\n" % crc32c(line))
    disk.sync_folder(folder)


def write_whole(disk: Disk, path: Path, data: bytes, *, flush: bool = True) -> None:
    """Write a file so that it is there as a whole or not at all. Durable once its folder has been flushed.

    Without flush, a crash may also leave it torn.
    """
    temporary = path.with_name(path.name + ".new")
    disk.remove(temporary)
    file = disk.create(temporary)
    try:
        file.write(0, [data])
        if flush:
            file.sync()
    except OSError:
        disk.remove(temporary)
        raise
    finally:
        file.close()
    disk.rename(temporary, path)
