"""Rows as JSON objects and lines of CSV."""

import datetime
import json
from decimal import Decimal

import pyarrow as pa

from lakemill.streamsql.interface import ROWTIME_FIELD
from lakemill.streamsql.rowtext import written

MOMENT = datetime.datetime(2026, 1, 31, 12, 0, 0, 500_000)
BATCH = pa.RecordBatch.from_pydict(
    {
        "ROWTIME": pa.array([MOMENT, MOMENT], ROWTIME_FIELD.type),
        "text": ['say "hi", you', None],
        "number": [1.5, float("nan")],
        "exact": pa.array([Decimal("1.20"), None], pa.decimal128(6, 2)),
        "when": pa.array([MOMENT, None], pa.timestamp("ms")),
        "day": pa.array([MOMENT.date(), None], pa.date32()),
        "bytes": pa.array([b"\x01\xff", None]),
        "flag": [True, None],
    }
)


def test_json_has_columns_as_keys_without_the_rows_time():
    first, second = (json.loads(one) for one in written(BATCH, "JSON"))
    assert first == {
        "text": 'say "hi", you', "number": 1.5, "exact": 1.2, "when": "2026-01-31 12:00:00.500", "day": "2026-01-31",
        "bytes": "01FF", "flag": True,
    }  # fmt: skip
    assert set(second.values()) == {None}
    assert b"\n" not in written(BATCH, "JSON")[0]


def test_csv_quotes_what_needs_it_and_ends_its_lines():
    first, second = written(BATCH, "CSV")
    assert first == b'"say ""hi"", you",1.5,1.20,2026-01-31 12:00:00.500,2026-01-31,01FF,true\n'
    assert second == b",,,,,,\n"
