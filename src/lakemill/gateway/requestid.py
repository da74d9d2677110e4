"""Request ids: unique, short to make (a uuid4 costs more than decoding a small request)."""

import itertools
import os

_random = os.urandom(6).hex()
_PREFIX = f"{_random[:8]}-{_random[8:]}-4000-8000-"
_numbers = itertools.count(int.from_bytes(os.urandom(3), "big"))


def request_id() -> str:
    """In the form of a UUID, which some clients parse.

    >>> len(request_id())
    36
    """
    return _PREFIX + "%012x" % (next(_numbers) & 0xFFFFFFFFFFFF)
