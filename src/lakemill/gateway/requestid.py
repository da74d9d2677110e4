"""Request ids: unique, short to make (a uuid4 costs more than decoding a small request)."""

import itertools
import os

_prefix = os.urandom(6).hex()
_numbers = itertools.count(int.from_bytes(os.urandom(3), "big"))


def request_id() -> str:
    """In the form of a UUID, which some clients parse.

    >>> len(request_id())
    36
    """
    number = next(_numbers) & 0xFFFFFFFFFFFF
    return f"{_prefix[:8]}-{_prefix[8:]}-4000-8000-{number:012x}"
