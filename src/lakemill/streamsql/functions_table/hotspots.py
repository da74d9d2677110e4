"""HOTSPOTS: after each row, the dense regions among the latest rows, as JSON.

They are `HotspotStream`. A row with NULL in a column of numbers, or with a number that is not finite, passes with the
regions there were, and is not learned.
"""

import sys
from collections.abc import Sequence

import pyarrow as pa

from lakemill.algorithms.hotspots import Hotspot, HotspotStream
from lakemill.streamsql.functions_table.arguments import Whole, numbers, numeric, with_columns
from lakemill.streamsql.functions_table.state import pack, unpack
from lakemill.streamsql.interface import Argument, Operator, TableFunction

NAME = "HOTSPOTS"
LENGTH = 10_000
LARGEST = sys.float_info.max
RESULT = pa.field("HOTSPOTS_RESULT", pa.string(), metadata={"length": str(LENGTH)})
WINDOW_SIZE = Whole("windowSize", 100, 1000)


def bind(arguments: Sequence[Argument], schema: pa.Schema) -> tuple[pa.Schema, Operator]:
    if len(arguments) != 3:
        raise ValueError(
            f"{NAME} takes windowSize, scanRadius and minimumNumberOfPointsInAHotspot after the cursor; "
            f"got {len(arguments)} parameters"
        )
    window = WINDOW_SIZE.read(NAME, arguments[0])
    radius = arguments[1]
    if isinstance(radius, bool) or not isinstance(radius, int | float) or not 0 < radius < float("inf"):
        raise ValueError(f"scanRadius of {NAME} must be a number greater than 0; got {radius!r}")
    least = Whole("minimumNumberOfPointsInAHotspot", 2, window).read(NAME, arguments[2])
    places, found = numeric(NAME, schema), schema.append(RESULT)
    return found, Hotspots(HotspotStream(len(places), window, radius, least), places, found)


class Hotspots:
    """Adds HOTSPOTS_RESULT."""

    def __init__(self, stream: HotspotStream, places: list[int], schema: pa.Schema) -> None:
        self.stream, self.places, self.schema = stream, places, schema
        self.renderer = Renderer(stream.radius)

    def push(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        records, whole = numbers(batch, self.places)
        last, text = self.stream.hotspots, self.renderer.text(self.stream.hotspots)
        texts, found = [], iter(self.stream.process(records[whole]))
        for learned in whole.tolist():
            spots = next(found) if learned else last
            if spots is not last:
                last, text = spots, self.renderer.text(spots)
            texts.append(text)
        return [with_columns(batch, self.schema, pa.array(texts, pa.string()))]

    def advance(self, now: int) -> list[pa.RecordBatch]:
        return []

    def snapshot(self) -> bytes:
        return pack(self.stream.arrays())

    def restore(self, state: bytes) -> None:
        self.stream.restore(unpack(state)[0])


class Renderer:
    """Writes regions as JSON, the densest first; those for which the column has no room are left out.

    Density is points per unit of volume of the box. A side without length counts as the radius, so that points on a
    line or all in one place have a density too.

    >>> renderer = Renderer(0.2)
    >>> renderer.text([Hotspot(20, (0.0, 1.0), (2.0, 3.0))])
    '{"hotspots":[{"density":5.0,"minValues":[0.0,1.0],"maxValues":[2.0,3.0]}]}'
    >>> renderer.text([])
    '{"hotspots":[]}'
    """

    def __init__(self, radius: float) -> None:
        self.radius = radius
        self._before: dict[Hotspot, tuple[float, tuple[float, ...], str]] = {}

    def text(self, spots: Sequence[Hotspot]) -> str:
        # From row to row most regions stay as they are, and writing numbers is what takes time.
        self._before = {spot: self._before.get(spot) or self._part(spot) for spot in spots}
        parts, room = [], LENGTH - len('{"hotspots":[]}')
        for _, _, part in sorted(self._before.values()):
            room -= len(part) + 1
            if room < 0:
                break
            parts.append(part)
        return f'{{"hotspots":[{",".join(parts)}]}}'

    def _part(self, spot: Hotspot) -> tuple[float, tuple[float, ...], str]:
        volume = 1.0
        for a, b in zip(spot.low, spot.high, strict=True):
            volume *= (b - a) or self.radius
        density = min(spot.points / volume, LARGEST) if volume else LARGEST
        low, high = ",".join(map(repr, spot.low)), ",".join(map(repr, spot.high))
        return -density, spot.low, f'{{"density":{density!r},"minValues":[{low}],"maxValues":[{high}]}}'


FUNCTIONS = (TableFunction(NAME, bind),)
