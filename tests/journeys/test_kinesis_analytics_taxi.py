"""Half a year of taxi rides through a stream and RANDOM_CUT_FOREST: the labelled events stand out."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.journeys import analytics

DATA = Path(__file__).parent.parent.parent / "examples" / "data" / "nab"
CODE = """
CREATE OR REPLACE STREAM "DEST" ("time" VARCHAR(20), "rides" INTEGER, "ANOMALY_SCORE" DOUBLE);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "DEST" SELECT STREAM "time", "rides", "ANOMALY_SCORE"
FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM "time", "rides" FROM "SOURCE_SQL_STREAM_001"), 100, 256, 100000, 24));
"""
LEARNING = 0.15
"""The share of the beginning that is not judged, as the benchmark has it."""


@pytest.mark.slow  # Every day, the example taxi_streams.py does the same.
def test_labelled_events_rank_among_the_highest_scores(lakemill):
    role = analytics.role(lakemill, "taxi")
    arn, out = analytics.stream(lakemill, "taxi-in"), analytics.stream(lakemill, "taxi-out")
    client = lakemill.client("kinesisanalytics")
    source = {"NamePrefix": "SOURCE_SQL_STREAM", "KinesisStreamsInput": {"ResourceARN": arn, "RoleARN": role}}
    target = {"Name": "DEST", "KinesisStreamsOutput": {"ResourceARN": out, "RoleARN": role}}
    client.create_application(
        ApplicationName="taxi",
        ApplicationCode=CODE,
        Inputs=[source | {"InputSchema": analytics.json_schema(time="VARCHAR(20)", rides="INTEGER")}],
        Outputs=[target | {"DestinationSchema": {"RecordFormatType": "JSON"}}],
    )
    with open(DATA / "nyc_taxi.csv") as file:
        rides = [{"time": row["timestamp"], "rides": int(row["value"])} for row in csv.DictReader(file)]
    analytics.put(lakemill, "taxi-in", rides)
    analytics.start(client, "taxi")
    found = [json.loads(one) for one in analytics.Reader(lakemill, "taxi-out").until(len(rides))]
    analytics.stop(client, "taxi")
    assert [row["time"] for row in found] == [row["time"] for row in rides]

    times, scores = np.array([row["time"] for row in found]), np.array([row["ANOMALY_SCORE"] for row in found])
    assert (scores[:23] == 0).all()  # They complete no shingle.
    events = json.loads((DATA / "nyc_taxi_events.json").read_text())
    inside = [(times >= event["begins"]) & (times <= event["ends"]) for event in events]
    judged = np.arange(len(times)) >= LEARNING * len(times)
    limit = np.quantile(scores[judged & ~np.any(inside, axis=0)], 0.995)
    assert [bool(scores[one].max() > limit) for one in inside] == [True] * 5
