import io
import json

import numpy as np
import pytest

from lakemill.formats import jsonrecords
from lakemill.formats.errors import FormatError
from tests.unit.formats.conftest import cases


@pytest.mark.parametrize("case", cases("jsonrecords"))
def test_a_request_is_read_or_refused(case):
    body = json.dumps(case["body"]).encode()
    if "error" in case:
        with pytest.raises(FormatError) as caught:
            jsonrecords.decode(body)
        assert str(caught.value) == case["error"]
        return
    found = jsonrecords.decode(body)
    assert found.block.dense().tolist() == case["rows"]
    assert found.block.features.dtype == np.float32
    assert found.configuration == case.get("configuration")
    assert found.configurations == case.get("configurations", [None] * len(case["rows"]))


@pytest.mark.parametrize("case", [one for one in cases("jsonrecords") if "rows" in one.values[0]])
def test_the_same_instances_are_read_line_by_line(case, tmp_path):
    lines = "".join(json.dumps(one) + "\r\n\n" for one in case["body"]["instances"]).encode()
    found = jsonrecords.decode_lines(lines)
    assert found.block.dense().tolist() == case["rows"]
    (tmp_path / "a.jsonl").write_bytes(lines)
    blocks = list(jsonrecords.iter_lines([tmp_path / "a.jsonl"], 2))
    assert [row for block in blocks for row in block.dense().tolist()] == case["rows"]


def test_a_line_that_is_no_instance_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"^line 3 is not a JSON instance: ") as caught:
        jsonrecords.decode_lines(b'{"features":[1]}\n\n{"features":[1,}\n')
    assert caught.value.line == 3


def test_text_that_is_no_json_is_refused():
    with pytest.raises(FormatError, match="not a JSON request of instances: Input data was truncated"):
        jsonrecords.decode(b'{"instances": [')


def test_numbers_lists_and_ragged_outputs_are_written_side_by_side():
    outputs = {
        "score": np.float32([0.5, 1]),
        "cluster": np.array([3, 4]),
        "projection": np.float32([[1, 2], [3, 4]]),
        "labels": [[1.0], np.float32([2, 3])],
        "word": ["a", "b"],
    }
    rows = [
        {"score": 0.5, "cluster": 3, "projection": [1, 2], "labels": [1], "word": "a"},
        {"score": 1, "cluster": 4, "projection": [3, 4], "labels": [2, 3], "word": "b"},
    ]
    assert json.loads(jsonrecords.encode(outputs, "projections")) == {"projections": rows}
    assert [json.loads(line) for line in jsonrecords.encode_lines(outputs).splitlines()] == rows


def test_what_json_has_no_number_for_becomes_null():
    assert (
        jsonrecords.encode({"score": np.float32([np.nan, np.inf])})
        == b'{"predictions":[{"score":null},{"score":null}]}'
    )


@pytest.mark.parametrize("read", [jsonrecords.decode, jsonrecords.decode_lines])
def test_bytes_that_are_no_text_are_refused_where_nobody_looks_too(read):
    line = b'{"sha\xaa\xaape": 1, "features": [1]}'
    with pytest.raises(FormatError, match="not UTF-8"):
        read(line if read is jsonrecords.decode_lines else b'{"instances": [' + line + b"]}")


def test_lines_end_in_line_feeds_only():
    body = b'{"features": [\r\r0.5]}\r\n{"features": [1]}'
    assert jsonrecords.decode_lines(body).block.features.tolist() == [[0.5], [1]]
    assert next(jsonrecords.iter_lines([io.BytesIO(body)], 5)).features.tolist() == [[0.5], [1]]
