"""Which records to ask people about: sets around pairs that the matcher is unsure of, and some of every sort."""

from collections.abc import Iterator

import numpy as np

UNSURE = 0.5
"""So many of the sets begin with the least certain pairs; the others with pairs from all over the scale."""
NEAR_MISS = -2.0
"""Log-odds below which a pair probably does not match."""


def sets(
    n: int, left: np.ndarray, right: np.ndarray, odds: np.ndarray, count: int, rows: int, random: np.random.Generator
) -> list[list[int]]:
    """Up to `count` lists of up to `rows` records, at least 2 in each; no record is in two.

    left, right, odds: (P,) candidate pairs and the log-odds that they match, from 0: as likely as not. A set begins
    with one pair and takes, in turn, the most likely partner of what is in it, the least certain one, and a near miss;
    records from elsewhere fill it up.
    """
    neighbours = _Neighbours(n, left, right, odds)
    free = np.ones(n, bool)
    made: list[list[int]] = []
    for seed in _seeds(odds, count, random):
        if len(made) == count:
            break
        pair = int(left[seed]), int(right[seed])
        if free[pair[0]] and free[pair[1]]:
            made.append(_grown(list(pair), neighbours, free, rows))
    for members in made:
        _fill(members, free, rows, random)
    return [members for members in made if len(members) > 1]


def _seeds(odds: np.ndarray, count: int, random: np.random.Generator) -> Iterator[int]:
    """Pairs to begin with: the unsure ones first, then one of each of equal parts of the scale, then any."""
    unsure = np.argsort(np.abs(odds), kind="stable")
    spread = np.argsort(odds, kind="stable")
    taken = round(count * UNSURE)
    yield from _apart(unsure, 4 * taken)[:taken].tolist()
    lowest, highest = odds.min(initial=0.0), odds.max(initial=0.0)
    for level in np.linspace(highest, lowest, count - taken + 1)[:-1]:
        near = int(np.searchsorted(odds[spread], level))
        yield from spread[max(0, near - 3) : near + 3].tolist()
    yield from random.permutation(len(odds)).tolist()


def _apart(order: np.ndarray, pool: int) -> np.ndarray:
    """Every fourth of the first of an order, then the ones between."""
    first = order[:pool]
    return np.concatenate([first[::4], *(first[at::4] for at in (1, 2, 3))])


class _Neighbours:
    """The candidate partners of a record, with log-odds."""

    def __init__(self, n: int, left: np.ndarray, right: np.ndarray, odds: np.ndarray) -> None:
        ends, partners = np.concatenate([left, right]), np.concatenate([right, left])
        order = np.argsort(ends, kind="stable")
        self._offsets = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=n))])
        self._partners, self._odds = partners[order], np.tile(odds, 2)[order]

    def of(self, members: list[int], free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        spans = [slice(self._offsets[one], self._offsets[one + 1]) for one in members]
        partners = np.concatenate([self._partners[span] for span in spans])
        odds = np.concatenate([self._odds[span] for span in spans])
        return partners[free[partners]], odds[free[partners]]


def _grown(members: list[int], neighbours: _Neighbours, free: np.ndarray, rows: int) -> list[int]:
    free[members] = False
    while len(members) < rows:
        partners, odds = neighbours.of(members, free)
        if not len(partners):
            break
        turn = len(members) % 3
        wanted = odds if turn == 2 else -np.abs(odds) if turn == 0 else np.where(odds < NEAR_MISS, odds, -np.inf)
        members.append(int(partners[np.argmax(wanted)]))
        free[members[-1]] = False
    return members


def _fill(members: list[int], free: np.ndarray, rows: int, random: np.random.Generator) -> None:
    if len(members) < rows and free.any():
        rest = np.flatnonzero(free)
        more = random.choice(rest, min(len(rest), rows - len(members)), replace=False).tolist()
        free[more] = False
        members += more
