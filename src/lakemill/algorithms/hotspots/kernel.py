"""DBSCAN over a sliding window. Compiled; nothing here allocates.

Whether two of the window's W points are neighbours is one bit, in a matrix of W rows of 64-bit words. A record that
comes costs W distances and the bits of one row and one column; the one that goes, those of its row and column. Clusters
are then found by or-ing rows: 64 points in one step, in however many dimensions. A grid would need fewer distances, but
its cells grow in number with 3 to the power of the dimensions, and distances are not what takes the time.
"""

from typing import Any, NamedTuple

import numpy as np
from numba.cpython.unsafe.numbers import trailing_zeros

from lakemill.formats.jit import compiled, inlined

WORD = 64


class Window(NamedTuple):
    """The latest records. Place p of `points` is bit p % 64 of word p // 64."""

    points: Any  # (d, W) float64: one row for each dimension, so that distances fill vector registers.
    near: Any  # (W, V) uint64: neighbours of each point, itself among them; V = ceil(W / 64).
    counts: Any  # (W,) int64: how many bits of a row are set; 0: nothing is in this place.
    core: Any  # (V,) uint64: points with at least min_points neighbours.
    place: Any  # (1,) int64: where the next record goes, which is where the oldest is.


class Room(NamedTuple):
    """Working space."""

    distances: Any  # (W,) float64
    waiting: Any  # (V,) uint64: core points of the cluster whose neighbours are still to be visited.
    members: Any  # (V,) uint64
    left: Any  # (V,) uint64: core points of no cluster yet.


@inlined
def bit(place: int) -> Any:
    return np.uint64(1) << np.uint64(place % WORD)


@inlined
def lowest(word: Any) -> Any:
    """The number of the lowest bit that is set."""
    return np.int64(trailing_zeros(word))  # type: ignore[call-arg]


@inlined
def _settle(window: Any, place: int, min_points: int) -> None:
    """Note whether a point is a core point."""
    word = place // WORD
    if window.counts[place] >= min_points:
        window.core[word] |= bit(place)
    else:
        window.core[word] &= ~bit(place)


@compiled
def replace(window: Any, x: Any, reach: float, min_points: int, room: Any) -> bool:
    """Let a record take the oldest one's place; reach: the squared radius.

    Returns whether clusters may have changed: not, when neither the one nor the other has, or had, a core point near.
    """
    dimensions, size = window.points.shape
    place = window.place[0]
    window.place[0] = (place + 1) % size
    words = window.near.shape[1]
    changed = False
    for word in range(words):
        found = window.near[place, word]
        changed |= (found & window.core[word]) != np.uint64(0)
        while found != np.uint64(0):
            other = word * WORD + lowest(found)
            found &= found - np.uint64(1)
            window.near[other, place // WORD] &= ~bit(place)
            window.counts[other] -= 1
            if other != place:
                _settle(window, other, min_points)
        window.near[place, word] = 0
    window.counts[place] = 0
    distances = room.distances
    for j in range(dimensions):
        window.points[j, place] = x[j]
    for other in range(size):
        distances[other] = 0.0
    for j in range(dimensions):
        row, value = window.points[j], x[j]
        for other in range(size):
            distances[other] += (row[other] - value) * (row[other] - value)
    for other in range(size):
        if distances[other] <= reach and (window.counts[other] > 0 or other == place):
            window.near[place, other // WORD] |= bit(other)
            window.counts[place] += 1
            if other != place:
                window.near[other, place // WORD] |= bit(place)
                window.counts[other] += 1
                _settle(window, other, min_points)
    _settle(window, place, min_points)
    for word in range(words):
        changed |= (window.near[place, word] & window.core[word]) != np.uint64(0)
    return changed


@compiled
def clusters(window: Any, room: Any, sizes: Any, lows: Any, highs: Any) -> int:
    """Find the clusters: core points that are neighbours, and the neighbours of these.

    Writes the number of points, (C,) int64, and the corners of their box, (C, d), and returns how many there are.
    """
    words, dimensions = window.core.shape[0], window.points.shape[0]
    waiting, members, left, near = room.waiting, room.members, room.left, window.near
    for word in range(words):
        left[word] = window.core[word]
        waiting[word] = np.uint64(0)
    found = 0
    for first in range(words):
        while left[first] != np.uint64(0):
            for word in range(words):
                members[word] = np.uint64(0)
            start = left[first] & (~left[first] + np.uint64(1))
            waiting[first] |= start
            left[first] &= ~start
            word, idle = first, 0
            while idle < words:
                idle += 1
                while waiting[word] != np.uint64(0):
                    point = word * WORD + lowest(waiting[word])
                    waiting[word] &= waiting[word] - np.uint64(1)
                    _spread(near, point, members, left, waiting)
                    idle = 0
                word = (word + 1) % words
            _measure(window, members, dimensions, found, sizes, lows, highs)
            found += 1
    return found


@inlined
def _spread(rows: Any, point: int, members: Any, left: Any, waiting: Any) -> None:
    """Take a core point's neighbours into its cluster, and let the core points among them wait for theirs."""
    for word in range(rows.shape[1]):
        near = rows[point, word]
        members[word] |= near
        waiting[word] |= near & left[word]
        left[word] &= ~near


@inlined
def _measure(window: Any, members: Any, dimensions: int, number: int, sizes: Any, lows: Any, highs: Any) -> None:
    """Count a cluster's points and put a box around them."""
    sizes[number] = 0
    for j in range(dimensions):
        lows[number, j], highs[number, j] = np.inf, -np.inf
    for word in range(members.shape[0]):
        rest = members[word]
        while rest != np.uint64(0):
            point = word * WORD + lowest(rest)
            rest &= rest - np.uint64(1)
            sizes[number] += 1
            for j in range(dimensions):
                value = window.points[j, point]
                lows[number, j] = min(lows[number, j], value)
                highs[number, j] = max(highs[number, j], value)


@compiled
def run(
    window: Any, records: Any, reach: float, min_points: int, room: Any, ends: Any, sizes: Any, lows: Any, highs: Any
) -> Any:
    """Take in records (n, d) until the room for clusters may not do; returns records taken and clusters written.

    ends[i]: where the clusters after record i end in sizes, lows and highs; -1: they are those after the one before.
    """
    limit = max(1, window.counts.shape[0] // 2)
    written, taken = 0, 0
    for i in range(records.shape[0]):
        if written + limit > sizes.shape[0]:
            break
        if replace(window, records[i], reach, min_points, room):
            written += clusters(window, room, sizes[written:], lows[written:], highs[written:])
            ends[i] = written
        else:
            ends[i] = -1
        taken += 1
    return taken, written
