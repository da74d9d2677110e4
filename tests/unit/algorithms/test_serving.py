"""The shared predictor: content types in, Accept out, errors with the right status."""

import json

import numpy as np
import pytest

from lakemill.algorithms import serving
from lakemill.algorithms.contract import InferenceError, InferenceRequest
from lakemill.formats import records
from lakemill.formats.block import Block

EVERYTHING = ("application/json", "application/jsonlines", "text/csv", "application/x-recordio-protobuf")


class Sums(serving.RecordPredictor):
    """Sum and sign of three features; the sign is an integer, `both` a list."""

    wrapper = "sums"
    response_types = EVERYTHING
    feature_dim = 3

    def outputs(self, block: Block, options) -> serving.Outputs:
        total = np.asarray(block.features.sum(axis=1), np.float32).ravel()
        found = {"sum": total, "sign": (total > 0).astype(np.int64)}
        return found | {"both": np.column_stack([total, -total])} if options.get("verbose") == "true" else found


def ask(body: bytes, kind: str, accept: str = "", **environment: str):
    return Sums(environment).invoke(InferenceRequest(body, kind, accept))


BODIES = {
    "csv": (b"1,2,3\n-1,-1,0.5\n", "text/csv"),
    "csv with parameters": (b"1,2,3\n-1,-1,0.5", "text/csv; charset=utf-8"),
    "json": (b'{"instances":[{"features":[1,2,3]},{"features":[-1,-1,0.5]}]}', "application/json"),
    "nested": (
        b'{"instances":[{"data":{"features":{"values":[1,2,3]}}},{"features":[-1,-1,0.5]}]}',
        "application/json",
    ),
    "lines": (b'{"features":[1,2,3]}\n{"features":[-1,-1,0.5]}\n', "application/jsonlines"),
    "sparse": (
        b'{"instances":[{"data":{"features":{"keys":[0,1,2],"shape":[3],"values":[1,2,3]}}},'
        b'{"data":{"features":{"keys":[0,2],"shape":[3],"values":[-1,-0.5]}}}]}',
        "application/json",
    ),
    "recordio": (records.encode(np.float32([[1, 2, 3], [-1, -1, 0.5]])), "application/x-recordio-protobuf"),
}


@pytest.mark.parametrize("name", BODIES)
def test_every_request_type_reaches_the_model(name: str) -> None:
    assert ask(*BODIES[name]).body == b'{"sums":[{"sum":6.0,"sign":1},{"sum":-1.5,"sign":0}]}'


def test_the_answer_comes_in_the_wanted_type() -> None:
    body, kind = BODIES["csv"]
    lines = ask(body, kind, "application/jsonlines")
    assert lines.body == b'{"sum":6.0,"sign":1}\n{"sum":-1.5,"sign":0}\n'
    assert ask(body, kind, "text/csv").body == b"6.0,1\n-1.5,0\n"
    framed = records.decode_outputs(ask(body, kind, "application/x-recordio-protobuf").body)
    assert [{name: value.tolist() for name, value in one.items()} for one in framed] == [
        {"sum": [6.0], "sign": [1.0]},
        {"sum": [-1.5], "sign": [0.0]},
    ]


def test_parameters_of_accept_reach_the_model() -> None:
    answer = ask(b"1,2,3\n", "text/csv", "application/json;verbose=true")
    assert json.loads(answer.body) == {"sums": [{"sum": 6.0, "sign": 1, "both": [6.0, -6.0]}]}
    assert ask(b"1,2,3\n", "text/csv", "text/csv;verbose=true").body == b"6.0,1,6.0,-6.0\n"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/*", "text/csv"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV", "text/csv"),
        ("application/jsonlines;q=0.2, text/csv;q=0.9", "text/csv"),
        ("image/png, application/jsonlines", "application/jsonlines"),
        ("text/csv, application/jsonlines", "text/csv"),
        ("text/csv;q=0, */*;q=0.1", "application/json"),
    ],
)
def test_accept_is_negotiated(accept: str, chosen: str) -> None:
    assert serving.negotiate(accept, EVERYTHING, "application/json")[0] == chosen


def test_the_environment_sets_the_default_accept() -> None:
    answer = ask(b"1,2,3\n", "text/csv", "*/*", SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="application/jsonlines")
    assert answer.content_type == "application/jsonlines"


def test_a_transform_job_may_have_another_default() -> None:
    class InBatch(Sums):
        batch_default_accept = "application/jsonlines"

    request = InferenceRequest(b"1,2,3\n", "text/csv", "")
    assert InBatch({"SAGEMAKER_BATCH": "true"}).invoke(request).content_type == "application/jsonlines"
    assert InBatch({"SAGEMAKER_BATCH": "false"}).invoke(request).content_type == "application/json"


@pytest.mark.parametrize(
    ("body", "kind", "accept", "status", "said"),
    [
        (b"1,2", "text/csv", "", 400, "expects 3 features per record; got 2"),
        (b"", "text/csv", "", 400, "empty"),
        (b"\n", "text/csv", "", 400, "empty"),
        (b'{"instances":[]}', "application/json", "", 400, "no records"),
        (b"1,2,nan", "text/csv", "", 400, "finite number"),
        (b"1,2,pear", "text/csv", "", 415, "pear"),
        (b"{", "application/json", "", 415, "Unable to parse"),
        (b'{"instances":[{"features":["a"]}]}', "application/json", "", 415, "Unable to parse"),
        (b"\x00\x01\x02", "application/x-recordio-protobuf", "", 415, "Unable to parse"),
        (b"1,2,3", "", "", 415, "no Content-Type"),
        (b"1,2,3", "audio/mpeg", "", 415, "'audio/mpeg' is not supported"),
        (b"1,2,3", "text/csv", "image/png", 406, "image/png is not supported"),
    ],
)
def test_what_cannot_be_answered_says_so(body: bytes, kind: str, accept: str, status: int, said: str) -> None:
    with pytest.raises(InferenceError, match=said) as raised:
        ask(body, kind, accept)
    assert raised.value.status == status


def test_execution_parameters_are_what_a_transform_job_asks_for() -> None:
    found = Sums({}).execution_parameters()
    assert found["BatchStrategy"] == "MULTI_RECORD"
    assert found["MaxPayloadInMB"] == 6
    assert found["MaxConcurrentTransforms"] >= 1
