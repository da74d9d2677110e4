"""The functions on streams, each bound and run as the compiler does."""

import json
import random

import numpy as np
import pyarrow as pa
import pytest

from lakemill.algorithms.randomcutforest import RandomCutStream
from lakemill.streamsql.functions_table import counting
from lakemill.streamsql.functions_table.hotspots import Renderer
from lakemill.streamsql.interface import ROWTIME_FIELD, find_table_function

SCHEMA = pa.schema([ROWTIME_FIELD, ("name", pa.string()), ("x", pa.float64()), ("n", pa.int32())])
LOAD = np.random.default_rng(0).normal(size=600)
LOAD[500] = 25.0


def bound(name, *arguments, schema=SCHEMA):
    return find_table_function(name).bind(list(arguments), schema)


def batch(x, name=None, n=None, start=0, step=1000):
    count = len(x)
    columns = [
        pa.array([start + step * i for i in range(count)], ROWTIME_FIELD.type),
        pa.array(name or ["a"] * count, pa.string()),
        pa.array(x, pa.float64()),
        pa.array(n if n is not None else [1] * count, pa.int32()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def run(operator, *batches):
    return [row for one in batches for found in operator.push(one, 0) for row in found.to_pylist()]


def test_scores_are_those_of_the_built_in_forest():
    schema, operator = bound("RANDOM_CUT_FOREST", 30, 64, 1000, 4)
    assert schema.names == [*SCHEMA.names, "ANOMALY_SCORE"]
    rows = run(operator, batch(LOAD[:7]), batch(LOAD[7:]))
    expected = RandomCutStream(2, 30, 64, 1000, 4).process(np.column_stack([LOAD, np.ones(600)]))
    assert [row["ANOMALY_SCORE"] for row in rows] == expected.tolist()
    assert 500 <= int(expected.argmax()) < 504
    assert rows[3]["name"] == "a"


def test_trailing_parameters_have_awss_defaults():
    _, operator = bound("RANDOM_CUT_FOREST")
    forest = operator.forest.forest
    assert (forest.n_trees, forest.tree_size, forest.decay, operator.forest.shingle_size) == (100, 256, 1 / 1e5, 1)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("RANDOM_CUT_FOREST", [1001], "numberOfTrees of RANDOM_CUT_FOREST must be a whole number from 1 to 1000"),
        ("RANDOM_CUT_FOREST", [100, 9], "subSampleSize of RANDOM_CUT_FOREST must be a whole number from 10 to 1000"),
        ("RANDOM_CUT_FOREST", [100, 256, 0], "timeDecay of RANDOM_CUT_FOREST must be"),
        ("RANDOM_CUT_FOREST", [100, 256, 100, 31], "shingleSize of RANDOM_CUT_FOREST must be"),
        ("RANDOM_CUT_FOREST", [100, 256, 100, 1, True], "takes at most 4 parameters"),
        ("RANDOM_CUT_FOREST", [1.5], "got 1.5"),
        ("RANDOM_CUT_FOREST_WITH_EXPLANATION", [100, 256, 100, 1, 1], "withDirectionality"),
        ("HOTSPOTS", [1000, 0.2], "takes windowSize, scanRadius and minimumNumberOfPointsInAHotspot"),
        ("HOTSPOTS", [99, 0.2, 17], "windowSize of HOTSPOTS must be a whole number from 100 to 1000; got 99"),
        ("HOTSPOTS", [1000, 0, 17], "scanRadius of HOTSPOTS must be a number greater than 0; got 0"),
        ("HOTSPOTS", [500, 0.2, 501], "minimumNumberOfPointsInAHotspot of HOTSPOTS must be"),
        ("TOP_K_ITEMS_TUMBLING", ["nome", 3, 60], "finds no column 'nome'; there are name, x, n"),
        ("TOP_K_ITEMS_TUMBLING", ["name", 0, 60], "K of TOP_K_ITEMS_TUMBLING must be a whole number from 1 to 100000"),
        ("TOP_K_ITEMS_TUMBLING", ["name", 3, 3601], "windowSize of TOP_K_ITEMS_TUMBLING must be a whole number from 1"),
        ("TOP_K_ITEMS_TUMBLING", ["name", 3], "takes 'columnName', K and windowSize"),
        ("COUNT_DISTINCT_ITEMS_TUMBLING", [5, 60], "must be a name in single quotes; got 5"),
        ("COUNT_DISTINCT_ITEMS_TUMBLING", ["name"], "takes 'columnName' and windowSize"),
    ],
)  # fmt: skip
def test_parameters_out_of_range_are_refused_by_name(name, arguments, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        bound(name, *arguments)


def test_decimal_is_refused_and_a_column_of_numbers_is_needed():
    with pytest.raises(ValueError, match='CAST the column "price" to DOUBLE'):
        bound("HOTSPOTS", 100, 0.2, 5, schema=pa.schema([ROWTIME_FIELD, ("price", pa.decimal128(10, 2))]))
    with pytest.raises(ValueError, match="at least one column of numbers"):
        bound("RANDOM_CUT_FOREST", schema=pa.schema([ROWTIME_FIELD, ("name", pa.string())]))


def test_an_explanation_gives_the_score_to_columns():
    schema, operator = bound("RANDOM_CUT_FOREST_WITH_EXPLANATION", 30, 64, 1000, 1, True)
    assert schema.names[-2:] == ["ANOMALY_SCORE", "ANOMALY_EXPLANATION"]
    row = run(operator, batch(LOAD))[500]
    told = json.loads(row["ANOMALY_EXPLANATION"])
    assert list(told) == ["x", "n"]
    assert list(told["x"]) == ["DIRECTION", "STRENGTH", "ATTRIBUTION_SCORE"]
    assert told["x"]["DIRECTION"] == "HIGH"
    assert float(told["x"]["STRENGTH"]) > 0.9 * float(told["x"]["ATTRIBUTION_SCORE"])
    parts = sum(float(one["ATTRIBUTION_SCORE"]) for one in told.values())
    assert parts == pytest.approx(row["ANOMALY_SCORE"], abs=1.01e-4)


def test_without_directions_an_explanation_is_short():
    _, operator = bound("RANDOM_CUT_FOREST_WITH_EXPLANATION", 10, 16)
    assert run(operator, batch([1.0]))[0]["ANOMALY_EXPLANATION"] == (
        '{"x":{"ATTRIBUTION_SCORE":"0.0000"},"n":{"ATTRIBUTION_SCORE":"0.0000"}}'
    )


def test_rows_with_null_pass_and_are_not_learned():
    holes = [1.0, None, 2.0, float("nan"), 3.0] * 20
    _, operator = bound("RANDOM_CUT_FOREST", 10, 16)
    rows = run(operator, batch(holes))
    assert [row["ANOMALY_SCORE"] is None for row in rows] == [False, True, False, True, False] * 20
    assert operator.forest.forest.seen == 60


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RANDOM_CUT_FOREST", (20, 32, 500, 3)),
        ("RANDOM_CUT_FOREST_WITH_EXPLANATION", (20, 32, 500, 2, True)),
        ("HOTSPOTS", (100, 0.2, 5)),
        ("TOP_K_ITEMS_TUMBLING", ("x", 3, 60)),
        ("COUNT_DISTINCT_ITEMS_TUMBLING", ("x", 60)),
    ],
)
def test_a_restored_function_goes_on_as_if_nothing_had_happened(name, arguments):
    values = np.round(LOAD, 1).tolist()
    whole, cut = bound(name, *arguments)[1], bound(name, *arguments)[1]
    expected = run(whole, batch(values))
    found = run(cut, batch(values[:333]))
    other = bound(name, *arguments)[1]
    other.restore(cut.snapshot())
    assert other.snapshot() == cut.snapshot()
    assert found + run(other, batch(values[333:], start=333_000)) == expected


def test_hotspots_are_told_after_each_row():
    _, operator = bound("HOTSPOTS", 100, 0.5, 3)
    rows = run(operator, batch([5.0, 5.1, 5.2, None, 90.0]))
    told = [json.loads(row["HOTSPOTS_RESULT"])["hotspots"] for row in rows]
    assert told[:2] == [[], []]
    assert told[2] == told[3] == told[4] == [
        {"density": pytest.approx(3 / (0.2 * 0.5)), "minValues": [5.0, 1.0], "maxValues": [5.2, 1.0]}
    ]  # fmt: skip


def test_a_list_of_hotspots_has_room_in_its_column():
    from lakemill.algorithms.hotspots import Hotspot

    text = Renderer(0.1).text([Hotspot(i, (0.1 * i,) * 5, (0.3 * i,) * 5) for i in range(1, 200)])
    assert 9000 < len(text) <= 10_000
    found = json.loads(text)["hotspots"]
    assert found == sorted(found, key=lambda one: -one["density"])


def test_the_most_frequent_values_come_at_the_windows_end():
    _, operator = bound("TOP_K_ITEMS_TUMBLING", "NAME", 2, 60, schema=SCHEMA.set(1, pa.field("NAME", pa.string())))
    names = ["a", "b", "b", None, "c", "c", "c"]
    assert operator.push(batch([0.0] * 7, names, start=30_000), 0) == []
    assert operator.advance(59_999) == []
    (found,) = operator.advance(60_000)
    assert found.to_pydict() == {
        "ROWTIME": [found.column(0)[0].as_py()] * 2, "ITEM": ["c", "b"], "ITEM_COUNT": [3, 2],
    }  # fmt: skip
    assert found.column(0).cast(pa.int64()).to_pylist() == [60_000, 60_000]
    assert operator.advance(500_000) == []


def test_distinct_values_of_several_windows_in_one_batch():
    _, operator = bound("COUNT_DISTINCT_ITEMS_TUMBLING", "name", 2)
    found = run(operator, batch([0.0] * 6, ["a", "b", "b", "b", None, "c"]))
    assert [row["NUMBER_OF_DISTINCT_ITEMS"] for row in found] == [2, 1]
    assert operator.advance(10_000)[0].to_pylist()[0]["NUMBER_OF_DISTINCT_ITEMS"] == 1


def test_distinct_values_are_exact_up_to_ten_thousand_and_near_beyond():
    items = counting.DistinctItems()
    items.add(f"value {i}" for i in range(10_000))
    assert items.count() == 10_000
    for count in (10_001, 50_000, 200_000):
        items.add(f"value {i}" for i in range(count))
        assert items.count() == pytest.approx(count, rel=0.025)


def test_frequent_values_survive_more_values_than_there_is_room_for():
    stream = [f"rare {i}" for i in range(3000)] + ["often"] * 300 + ["more often"] * 500
    random.Random(0).shuffle(stream)
    items = counting.FrequentItems(100)
    for value in stream:
        items.add({value: 1})
    assert len(items.counts) == 100
    (first, most), (second, more) = items.top(2)
    assert (first, second) == ("more often", "often")
    assert 500 <= most <= 500 + 38
    assert 300 <= more <= 300 + 38
