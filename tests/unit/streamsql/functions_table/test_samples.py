"""The programs of AWS's guide that use functions on streams, as they stand there."""

import json

import numpy as np
import pytest

from lakemill.streamsql.session import Session

START = 1_700_000_040_000
"""A whole minute."""
HOTSPOTS = """
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (
    "x" DOUBLE, "y" DOUBLE, "is_hot" VARCHAR(4), HOTSPOTS_RESULT VARCHAR(10000));
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT "x", "y", "is_hot", "HOTSPOTS_RESULT" FROM TABLE (
    HOTSPOTS(CURSOR(SELECT STREAM "x", "y", "is_hot" FROM "SOURCE_SQL_STREAM_001"), 1000, 0.2, 17));
"""
ANOMALIES = """
CREATE OR REPLACE STREAM "TEMP_STREAM" ("heartRate" INTEGER, "rateType" VARCHAR(20), "ANOMALY_SCORE" DOUBLE);
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("heartRate" INTEGER, "rateType" varchar(20), "ANOMALY_SCORE" DOUBLE);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "TEMP_STREAM"
SELECT STREAM "heartRate", "rateType", ANOMALY_SCORE FROM
TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001")));
CREATE OR REPLACE PUMP "OUTPUT_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM * FROM "TEMP_STREAM" ORDER BY FLOOR("TEMP_STREAM".ROWTIME TO SECOND), ANOMALY_SCORE DESC;
"""
EXPLAINED = """
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" (
    "Systolic" INTEGER, "Diastolic" INTEGER, "BloodPressureLevel" varchar(20),
    "ANOMALY_SCORE" DOUBLE, "ANOMALY_EXPLANATION" varchar(512));
CREATE OR REPLACE PUMP "OUTPUT_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT "Systolic", "Diastolic", "BloodPressureLevel", ANOMALY_SCORE, ANOMALY_EXPLANATION
FROM TABLE(RANDOM_CUT_FOREST_WITH_EXPLANATION(
    CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"), 100, 256, 100000, 1, true))
WHERE ANOMALY_SCORE > 0;
"""
TOP = """
CREATE OR REPLACE STREAM DESTINATION_SQL_STREAM (ITEM VARCHAR(1024), ITEM_COUNT DOUBLE);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM ITEM, ITEM_COUNT FROM TABLE(TOP_K_ITEMS_TUMBLING(
  CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"), 'column1', 2, 60));
"""
DISTINCT = """
CREATE OR REPLACE STREAM DESTINATION_SQL_STREAM (NUMBER_OF_DISTINCT_ITEMS BIGINT);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM NUMBER_OF_DISTINCT_ITEMS FROM TABLE(COUNT_DISTINCT_ITEMS_TUMBLING(
  CURSOR(SELECT STREAM * FROM "SOURCE_SQL_STREAM_001"), 'column1', 60));
"""


def run(code, rows, **columns):
    told = [{"name": name, "type": kind, "mapping": f"$.{name}"} for name, kind in columns.items()]
    form = {"format": "JSON", "row_path": "$", "columns": told}
    source = {"prefix": "SOURCE_SQL_STREAM", "count": 1, "form": form, "keyed": True}
    output = {"stream": "DESTINATION_SQL_STREAM", "format": "JSON"}
    session = Session({"code": code, "inputs": [source], "references": [], "outputs": [output]})
    session.push(0, [[json.dumps(row).encode(), START, "k", "1", "s"] for row in rows], START)
    found = session.drain()["outputs"].get(0, [])
    session.advance(START + 60_000)
    return [json.loads(one) for one in found + session.drain()["outputs"].get(0, [])]


def test_hotspots():
    random = np.random.default_rng(0)
    points = random.uniform(0, 10, (1000, 2))
    points[::5] = random.uniform((2, 6), (3, 7), (200, 2))
    rows = [{"x": x, "y": y, "is_hot": "Y" if i % 5 == 0 else "N"} for i, (x, y) in enumerate(points.tolist())]
    found = run(HOTSPOTS, rows, x="DOUBLE", y="DOUBLE", is_hot="VARCHAR(4)")
    assert len(found) == 1000
    (spot,) = json.loads(found[-1]["HOTSPOTS_RESULT"])["hotspots"]
    assert np.round([spot["minValues"], spot["maxValues"]]).tolist() == [[2, 6], [3, 7]]


def test_anomalies_the_highest_first():
    rows = [{"heartRate": 60 + i % 20, "rateType": "NORMAL"} for i in range(400)]
    rows[300] = {"heartRate": 180, "rateType": "HIGH"}
    found = run(ANOMALIES, rows, heartRate="INTEGER", rateType="VARCHAR(20)")
    assert len(found) == 400
    assert found[0]["heartRate"] == 180


def test_anomalies_explained():
    rows = [{"Systolic": 100 + i % 20, "Diastolic": 70 + i % 10, "BloodPressureLevel": "NORMAL"} for i in range(400)]
    rows[300] = {"Systolic": 20, "Diastolic": 75, "BloodPressureLevel": "LOW"}
    columns = {"Systolic": "INTEGER", "Diastolic": "INTEGER", "BloodPressureLevel": "VARCHAR(20)"}
    found = run(EXPLAINED, rows, **columns)
    assert len(found) == 400 - 64
    top = max(found, key=lambda row: row["ANOMALY_SCORE"])
    told = json.loads(top["ANOMALY_EXPLANATION"])
    assert (top["Systolic"], told["Systolic"]["DIRECTION"]) == (20, "LOW")
    assert float(told["Systolic"]["ATTRIBUTION_SCORE"]) > 10 * float(told["Diastolic"]["ATTRIBUTION_SCORE"])


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (TOP, [{"ITEM": "c", "ITEM_COUNT": 3.0}, {"ITEM": "b", "ITEM_COUNT": 2.0}]),
        (DISTINCT, [{"NUMBER_OF_DISTINCT_ITEMS": 3}]),
    ],
)
def test_values_are_counted_by_the_minute(code, expected):
    assert run(code, [{"column1": value} for value in "abbccc"], column1="VARCHAR(4)") == expected
