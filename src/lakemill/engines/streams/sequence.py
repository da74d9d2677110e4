"""Sequence numbers: 56 decimal digits that name a record of a stream for ever.

    49 | birth of the shard, ms (13) | number of the shard (12) | position in the shard + 1 (29)

So they begin with 49, all have the same length, rise within a shard, differ between shards, and a shard that came out
of another has larger ones than that. Anyone can tell whose they are without a look at the stream.
"""

from lakemill.engines.streams.errors import SequenceForeign

POSITION_DIGITS = 29
DIGITS = 56
_FIRST = 2
_BORN = _FIRST + 13
_NUMBER = _BORN + 12


def prefix(born_ms: int, number: int) -> str:
    """The digits that all sequence numbers of a shard share.

    >>> prefix(1_700_000_000_000, 7) + "5".zfill(POSITION_DIGITS)
    '49170000000000000000000000700000000000000000000000000005'
    """
    return f"49{born_ms:013d}{number:012d}"


def taken_apart(text: str) -> tuple[int, int, int]:
    """Birth of the shard in ms, its number, the position (-1: before the first). Raises SequenceForeign.

    >>> taken_apart("49170000000000000000000000700000000000000000000000000005")
    (1700000000000, 7, 4)
    """
    if len(text) != DIGITS or not text.isdecimal() or text[:_FIRST] != "49":
        raise SequenceForeign(f"{text} is no sequence number of a stream.")
    return int(text[_FIRST:_BORN]), int(text[_BORN:_NUMBER]), int(text[_NUMBER:]) - 1
