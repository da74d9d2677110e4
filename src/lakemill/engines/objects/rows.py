"""Tables, row keys and names: how buckets, keys and versions lie in the metadata store.

A row key is `bucket/key`. Bucket names hold no `/`, so all rows of a bucket lie together, in the keys' UTF-8 order.
Versions of a key follow it newest first: `bucket/key<END><inverted sequence>`. For that order to be right for every
key, END must sort before any character of a key, so the three lowest characters of keys are escaped (which also keeps
NUL away from stores that cannot hold it).
"""

import base64
import re
import secrets

from lakemill.engines.objects.errors import VersionMalformed

BUCKETS = "buckets"
OBJECTS = "objects"
"""Current versions that are not delete markers."""
VERSIONS = "object_versions"
"""All other versions: noncurrent ones and every delete marker."""
INLINE = "object_inline"
"""Bytes of small objects, by data name."""
LAYOUTS = "object_layouts"
"""Parts of objects that have more than one, by data name."""
BLOBS = "object_blobs"
"""How many objects, parts and layouts refer to a blob, by data name."""
GARBAGE = "object_garbage"
"""Names of data nobody refers to any more, still to be deleted."""
UPLOADS = "object_uploads"
PARTS = "object_upload_parts"
UPLOADS_DONE = "object_uploads_done"
STATE = "object_state"

END = "\x01"
AFTER = "\x02"
"""row + AFTER is the first place after a key's own rows and before the next key's."""
_LOW = re.compile("[\x00-\x02]")
_ESCAPED = re.compile("\x02([\x10-\x12])")
_SEQUENCE_MAX = 2**64 - 1

NULL_VERSION = "null"
"""Version id of what was written while a bucket was not versioned."""


def escape(key: str) -> str:
    """The key with its three lowest characters out of the way, order kept.

    >>> escape("a\\x00") < escape("a\\x01") < escape("a\\x02") < escape("a\\x03") < escape("aa")
    True
    """
    if _LOW.search(key) is None:
        return key
    return _LOW.sub(lambda match: "\x02" + chr(ord(match[0]) + 16), key)


def unescape(text: str) -> str:
    """The key again.

    >>> unescape(escape("a\\x00\\x02b"))
    'a\\x00\\x02b'
    """
    if "\x02" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(ord(match[1]) - 16), text)


def object_row(bucket: str, key: str) -> str:
    return f"{bucket}/{escape(key)}"


def version_row(bucket: str, key: str, sequence: int) -> str:
    return f"{bucket}/{escape(key)}{END}{_SEQUENCE_MAX - sequence:016x}"


def upload_row(bucket: str, key: str, upload_id: str) -> str:
    return f"{bucket}/{escape(key)}{END}{upload_id}"


def key_of(row: str) -> str:
    """The object's key of any of the three rows."""
    return unescape(row[row.index("/") + 1 :].split(END, 1)[0])


def version_id(sequence: int) -> str:
    """A version id that carries its sequence number, 32 characters.

    >>> sequence_of(version_id(1234))
    1234
    """
    return base64.urlsafe_b64encode(sequence.to_bytes(8, "big") + secrets.token_bytes(16)).decode()


def sequence_of(version: str) -> int:
    """The sequence number in a version id. Raises VersionMalformed."""
    try:
        raw = base64.b64decode(version, altchars=b"-_", validate=True)
    except ValueError:
        raise VersionMalformed(version) from None
    if len(raw) != 24:
        raise VersionMalformed(version)
    return int.from_bytes(raw[:8], "big")


# Data names: what kind of place holds the bytes, the time (so that rows made one after another lie together, and
# recovery need only look at recent ones), and something random.
INLINE_DATA, BLOB_DATA, LAYOUT_DATA = "oi-", "ob-", "ol-"


def data_name(kind: str, time_s: float) -> str:
    """A new name for bytes.

    >>> len(data_name(BLOB_DATA, 1e9))
    34
    """
    return f"{kind}{time_mark(time_s)}-{secrets.token_hex(8)}"


def time_mark(time_s: float) -> str:
    """A time as names carry it, in microseconds."""
    return f"{int(time_s * 1e6):014x}"
