"""A stream of records and the hotspots among the latest of them."""

import operator
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

ROOM = 4096
"""Clusters that a block of records may bring before their list is handed on."""


class Hotspot(NamedTuple):
    """A dense region: how many points it has, and the corners of the box around them, each (columns,)."""

    points: int
    low: tuple[float, ...]
    high: tuple[float, ...]


class HotspotStream:
    """The dense regions among the latest records of a stream.

    A record with at least `min_points` records of the window, itself among them, within `radius` is a core point. Core
    points within `radius` of one another belong to one hotspot, and so does everything within `radius` of them: DBSCAN,
    exactly, after each record. A record near core points of two hotspots belongs to both.

    Parameters
    ----------
    columns : int
        Numbers in a record.
    window : int
        How many of the latest records are looked at.
    radius : float
        In the units of the data (Euclidean distance).
    min_points : int
        2 or more, at most `window`.

    Notes
    -----
    A record costs O(window columns) and, if it or the one that leaves is near a core point, O(window^2 / 64). Memory:
    window^2 / 8 bytes. Source: Ester, Kriegel, Sander, Xu, "A density-based algorithm for discovering clusters in large
    spatial databases with noise", KDD 1996; as the function HOTSPOTS of Kinesis Data Analytics is described by AWS.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> records = random.uniform(0, 10, (1000, 2))
    >>> records[::5] = random.uniform((2, 6), (3, 7), (200, 2))
    >>> stream = HotspotStream(2, window=1000, radius=0.2, min_points=17)
    >>> (spot,) = stream.process(records)[-1]
    >>> spot.points, np.round([spot.low, spot.high]).tolist()
    (205, [[2.0, 6.0], [3.0, 7.0]])
    """

    def __init__(self, columns: int, window: int, radius: float, min_points: int) -> None:
        for name, value, least in (("columns", columns, 1), ("window", window, 2), ("min_points", min_points, 2)):
            if operator.index(value) < least:
                raise ValueError(f"{name} must be at least {least}; got {value}")
        if min_points > window:
            raise ValueError(f"min_points must be at most window, {window}; got {min_points}")
        if not (radius > 0 and np.isfinite(radius)):
            raise ValueError(f"radius must be a positive number; got {radius}")
        from lakemill.algorithms.hotspots.kernel import WORD, Room, Window

        self.columns, self.radius, self.min_points = columns, float(radius), min_points
        words = -(-window // WORD)
        self.window = Window(
            points=np.zeros((columns, window)),
            near=np.zeros((window, words), np.uint64),
            counts=np.zeros(window, np.int64),
            core=np.zeros(words, np.uint64),
            place=np.zeros(1, np.int64),
        )
        self._room = Room(np.empty(window), *(np.empty(words, np.uint64) for _ in range(3)))
        self.hotspots: list[Hotspot] = []
        """After the latest record, in no particular order."""

    def process(self, block: Any) -> list[list[Hotspot]]:
        """Take records (n, columns) and return the hotspots after each of them; equal lists may be one object.

        Raises ValueError for another number of columns and for numbers that are not finite.
        """
        from lakemill.algorithms.hotspots import kernel

        records = np.ascontiguousarray(block, np.float64)
        if records.ndim != 2 or records.shape[1] != self.columns:
            raise ValueError(f"Records must have shape (n, {self.columns}); got {records.shape}")
        if not np.isfinite(records).all():
            raise ValueError("Records must be finite numbers; got NaN or infinity")
        size = max(ROOM, len(self.window.counts))
        sizes, corners = np.empty(size, np.int64), np.empty((2, size, self.columns))
        ends = np.empty(len(records), np.int64)
        found: list[list[Hotspot]] = []
        while len(found) < len(records):
            begin = len(found)
            taken, written = kernel.run(
                self.window, records[begin:], self.radius**2, self.min_points, self._room, ends[begin:], sizes, *corners
            )
            spots = list(_spots(sizes[:written], *corners[:, :written]))
            start, last = 0, self.hotspots
            for end in ends[begin : begin + taken].tolist():
                if end >= 0:
                    now, start = spots[start:end], end
                    if now != last:
                        last = now
                found.append(last)
            self.hotspots = last
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """What it remembers: the records of the window, oldest first, (m, columns)."""
        order = np.roll(np.arange(len(self.window.counts)), -int(self.window.place[0]))
        held = order[self.window.counts[order] > 0]
        return {"records": np.ascontiguousarray(self.window.points[:, held].T)}

    def restore(self, arrays: dict[str, np.ndarray]) -> "HotspotStream":
        """Become the stream that `arrays` came from; to be called on a new one with the same parameters."""
        self.process(arrays["records"])
        return self


def _spots(sizes: np.ndarray, lows: np.ndarray, highs: np.ndarray) -> Iterator[Hotspot]:
    # One flat list: a list for each row would keep the garbage collector busy for longer than all the rest takes.
    lists = ([iter(table.ravel().tolist())] * lows.shape[1] for table in (lows, highs))
    tuples = (zip(*one, strict=True) for one in lists)
    return map(Hotspot, sizes.tolist(), *tuples)
