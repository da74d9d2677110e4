"""What lies on disk, looked at while nobody uses it: bytes nobody refers to, references to bytes that are not there."""

from collections import Counter
from pathlib import Path

from lakemill.engines.objects import rows
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.metadata import EmbeddedMetadata


def differences(data: Path) -> list[str]:
    """A sentence for each blob or document that should not be, or should and is not; of a stopped lakemill's folder."""
    metadata, blobs = EmbeddedMetadata(data / "metadata.sqlite"), EmbeddedBlobs(data / "blobs")
    try:
        wanted = _references(metadata)
        found = []
        counted = {name: count for name, count in metadata.scan(rows.BLOBS)}
        of_blobs = {name: count for name, count in wanted.items() if name.startswith(rows.BLOB_DATA)}
        if counted != of_blobs:
            found.append(f"references are counted as {counted}; there are {of_blobs}")
        on_disk = set(blobs.names())
        found += [f"{name} is on disk and nobody refers to it" for name in on_disk - set(of_blobs)]
        found += [f"{name} is referred to and not on disk" for name in set(of_blobs) - on_disk]
        for table, kind in ((rows.INLINE, rows.INLINE_DATA), (rows.LAYOUTS, rows.LAYOUT_DATA)):
            kept = {name for name, _ in metadata.scan(table)}
            needed = {name for name in wanted if name.startswith(kind)}
            found += [f"{name} of {table} is kept and nobody refers to it" for name in kept - needed]
            found += [f"{name} of {table} is referred to and not there" for name in needed - kept]
        found += [f"{path.name} was left half-written" for path in (data / "blobs" / "incoming").iterdir()]
        return found
    finally:
        metadata.close()


def _references(metadata: EmbeddedMetadata) -> Counter[str]:
    wanted: Counter[str] = Counter()
    for table in (rows.OBJECTS, rows.VERSIONS, rows.PARTS):
        wanted.update(document["data"] for _, document in metadata.scan(table) if document.get("data"))
    for _, parts in metadata.scan(rows.LAYOUTS):
        wanted.update(part["data"] for part in parts if part.get("data"))
    return wanted
