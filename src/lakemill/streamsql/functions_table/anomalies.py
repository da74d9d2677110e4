"""RANDOM_CUT_FOREST and RANDOM_CUT_FOREST_WITH_EXPLANATION: each row's anomaly score, then the row is learned.

They are `RandomCutStream`, the streaming face of the built-in algorithm. A row with NULL in a column of numbers, or
with a number that is not finite, passes with NULL for what the function adds, and is not learned.
"""

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lakemill.streamsql.functions_table.arguments import Whole, numbers, numeric, wholes, with_columns
from lakemill.streamsql.functions_table.state import pack, unpack
from lakemill.streamsql.interface import Argument, Operator, TableFunction

if TYPE_CHECKING:
    from lakemill.algorithms.randomcutforest.stream import Attribution, RandomCutStream

PLAIN, EXPLAINED = "RANDOM_CUT_FOREST", "RANDOM_CUT_FOREST_WITH_EXPLANATION"
PARAMETERS = (
    Whole("numberOfTrees", 1, 1000, 100),
    Whole("subSampleSize", 10, 1000, 256),
    Whole("timeDecay", 1, 2**31 - 1, 100_000),
    Whole("shingleSize", 1, 30, 1),
)
SCORE = pa.field("ANOMALY_SCORE", pa.float64())
EXPLANATION = pa.field("ANOMALY_EXPLANATION", pa.string(), metadata={"length": "20480"})


def bind(function: str, arguments: Sequence[Argument], schema: pa.Schema) -> tuple[pa.Schema, Operator]:
    directed = False
    if function == EXPLAINED and len(arguments) > len(PARAMETERS):
        *arguments, last = arguments
        if not isinstance(last, bool):
            raise ValueError(f"withDirectionality of {function} must be TRUE or FALSE; got {last!r}")
        directed = last
    trees, size, decay, shingle = wholes(function, PARAMETERS, arguments)
    places = numeric(function, schema)
    from lakemill.algorithms.randomcutforest import RandomCutStream  # Half a second, for those who need it.

    forest = RandomCutStream(len(places), trees, size, decay, shingle)
    if function == PLAIN:
        found = schema.append(SCORE)
        return found, Scores(forest, places, found)
    found = schema.append(SCORE).append(EXPLANATION)
    names = [schema.field(place).name for place in places]
    return found, Explanations(forest, places, found, Explainer(names, directed))


class Scores:
    """Adds ANOMALY_SCORE."""

    def __init__(self, forest: "RandomCutStream", places: list[int], schema: pa.Schema) -> None:
        self.forest, self.places, self.schema = forest, places, schema

    def push(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        records, whole = numbers(batch, self.places)
        return [with_columns(batch, self.schema, *self._found(records, whole))]

    def _found(self, records: np.ndarray, whole: np.ndarray) -> list[pa.Array]:
        return [_spread(self.forest.process(records[whole]), whole)]

    def advance(self, now: int) -> list[pa.RecordBatch]:
        return []

    def snapshot(self) -> bytes:
        return pack(self.forest.arrays())

    def restore(self, state: bytes) -> None:
        self.forest.restore(unpack(state)[0])


class Explanations(Scores):
    """Adds ANOMALY_SCORE and ANOMALY_EXPLANATION."""

    def __init__(self, forest: "RandomCutStream", places: list[int], schema: pa.Schema, explainer: "Explainer") -> None:
        super().__init__(forest, places, schema)
        self.explainer = explainer

    def _found(self, records: np.ndarray, whole: np.ndarray) -> list[pa.Array]:
        found = self.forest.explain(records[whole])
        texts = np.full(len(whole), None, object)
        texts[whole] = self.explainer.texts(found)
        return [_spread(found.scores, whole), pa.array(texts, pa.string())]


class Explainer:
    """Writes the parts of scores as JSON: by column, all numbers as texts with four decimals.

    A direction is HIGH when more of the column's part comes from values being too high than from being too low, and
    its strength is the difference of the two.
    """

    def __init__(self, names: Sequence[str], directed: bool) -> None:
        part = '{"ATTRIBUTION_SCORE":"%.4f"}'
        if directed:
            part = '{"DIRECTION":"%s","STRENGTH":"%.4f","ATTRIBUTION_SCORE":"%.4f"}'
        self.directed = directed
        self.form = "{" + ",".join(f"{json.dumps(name)}:".replace("%", "%%") + part for name in names) + "}"

    def texts(self, found: "Attribution") -> list[str]:
        """One for each record.

        >>> from lakemill.algorithms.randomcutforest.stream import Attribution
        >>> part = Attribution(np.array([0.5]), np.array([[0.1, 0.05]]), np.array([[0.3, 0.05]]))
        >>> Explainer(["a", "b"], False).texts(part)
        ['{"a":{"ATTRIBUTION_SCORE":"0.4000"},"b":{"ATTRIBUTION_SCORE":"0.1000"}}']
        """
        if not self.directed:
            return [self.form % tuple(row) for row in found.by_column.tolist()]
        cells = np.empty((*found.low.shape, 3), object)
        cells[..., 0] = np.where(found.high > found.low, "HIGH", "LOW")
        cells[..., 1] = np.abs(found.high - found.low)
        cells[..., 2] = found.by_column
        return [self.form % tuple(row) for row in cells.reshape(len(cells), -1).tolist()]


def _spread(scores: np.ndarray, whole: np.ndarray) -> pa.Array:
    """The scores of the whole rows, NULL for the others."""
    if whole.all():
        return pa.array(scores)
    spread = np.zeros(len(whole))
    spread[whole] = scores
    return pa.array(spread, mask=~whole)


FUNCTIONS = tuple(TableFunction(name, partial(bind, name)) for name in (PLAIN, EXPLAINED))
