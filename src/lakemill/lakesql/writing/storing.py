"""Files become objects: all of them, or none."""

import contextlib
from collections.abc import Iterator, Sequence

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Lake, LakeRefused
from lakemill.lakesql.scans import objects
from lakemill.lakesql.writing.rows import Piece


@contextlib.contextmanager
def stored(lake: Lake, pieces: Sequence[tuple[Piece, str]]) -> Iterator[list[str]]:
    """Store each piece at a location, for what is done inside; gives the objects' URIs.

    Where storing or anything inside fails, what was stored is removed.
    """
    uris: list[str] = []
    try:
        for piece, location in pieces:
            uri = objects.prefix_of(location) + piece.name
            uris.append(uri)
            lake.store(str(piece.path), uri)
            piece.path.unlink()
        yield uris
    except BaseException as wrong:
        with contextlib.suppress(LakeRefused, OSError):
            lake.remove(uris)
        if isinstance(wrong, LakeRefused):
            raise writing_refused(wrong, uris[-1] if uris else "") from None
        raise


def check_empty(lake: Lake, location: str, what: str) -> None:
    """Raises SqlFailed with HIVE_PATH_ALREADY_EXISTS where there is something at a location."""
    if not objects.is_empty(lake, location):
        raise SqlFailed("HIVE_PATH_ALREADY_EXISTS", f"Target directory for {what} already exists: {location}")


def writing_refused(refused: LakeRefused, place: str) -> SqlFailed:
    """What Athena says where S3 or the catalog refuses."""
    if refused.code in ("AccessDenied", "AccessDeniedException"):
        return SqlFailed("PERMISSION_DENIED", f"Access Denied when writing to {place}: {refused.message}")
    if refused.code == "AlreadyExistsException":
        return SqlFailed("TABLE_ALREADY_EXISTS", refused.message)
    if refused.code == "NoSuchBucket":
        return SqlFailed("HIVE_WRITER_OPEN_ERROR", f"Error creating file {place}: The specified bucket does not exist")
    return SqlFailed("HIVE_WRITER_CLOSE_ERROR", f"Error committing write to Hive: {refused.code}: {refused.message}")
