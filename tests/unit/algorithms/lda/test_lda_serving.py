"""Serving models, ours or hand-made."""

import json
import struct

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.contract import InferenceError, InferenceRequest
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.lda.serve import serve
from lakemill.formats import mxnet
from lakemill.formats.block import Block

ALPHA, BETA = np.float32([0.4, 0.6]), np.float32([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])


@pytest.fixture
def predictor(tmp_path):
    mxnet.write(tmp_path / "model_algo-1", [ALPHA, BETA])
    return serve(tmp_path, {})


@pytest.mark.parametrize("accept", ["", "application/json", "application/jsonlines"])
def test_answers_are_mixtures_in_the_documented_form(predictor, accept):
    answer = predictor.invoke(InferenceRequest(b"1,2,0,1\n5,5,0,0\n", "text/csv", accept))
    found = (
        json.loads(answer.body)["predictions"]
        if "lines" not in accept
        else list(map(json.loads, answer.body.splitlines()))
    )
    assert [set(one) for one in found] == [{"topic_mixture"}] * 2
    np.testing.assert_allclose([one["topic_mixture"] for one in found], [[0.75, 0.25], [1, 0]], atol=1e-6)
    assert found[1]["topic_mixture"][1] == 0.0


def test_sparse_and_dense_records_get_the_same_answers(predictor):
    documents = np.float32([[1, 2, 3, 4], [0, 0, 1, 0], [0, 0, 0, 0]])
    dense, sparse = (
        predictor.outputs(Block(form(documents)), {})["topic_mixture"] for form in (np.array, sp.csr_matrix)
    )
    np.testing.assert_array_equal(dense, sparse)
    np.testing.assert_allclose(dense[2], ALPHA)


def test_a_model_as_mxnet_writes_it_on_aws_loads(tmp_path):
    """Byte for byte: the list header, two V2 arrays on cpu(0) in float32, no names."""

    def array(values):
        head = struct.pack("<IiI", 0xF993FAC9, 0, values.ndim) + struct.pack(f"<{values.ndim}q", *values.shape)
        return head + struct.pack("<iii", 1, 0, 0) + values.tobytes()

    body = struct.pack("<QQQ", 0x112, 0, 2) + array(ALPHA) + array(BETA) + struct.pack("<Q", 0)
    (tmp_path / "model_algo-1").write_bytes(body)
    assert mxnet.encode([ALPHA, BETA]) == body
    assert serve(tmp_path, {}).feature_dim == 4


def test_an_edited_model_serves_whatever_its_scale(tmp_path):
    mxnet.write(tmp_path / "model_algo-1", [ALPHA * 9, BETA.astype(np.float64) * [[3], [8]]])
    found = serve(tmp_path, {}).outputs(Block(np.float32([[2, 1, 1, 0]])), {})["topic_mixture"]
    np.testing.assert_allclose(found, [[0.75, 0.25]], atol=1e-6)


def test_negative_counts_are_a_bad_request(predictor):
    with pytest.raises(InferenceError, match="negative") as wrong:
        predictor.invoke(InferenceRequest(b"1,-2,0,1\n", "text/csv", ""))
    assert wrong.value.status == 400


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ([], "two arrays"),
        ([ALPHA], "two arrays"),
        ([ALPHA, BETA.T], "shapes"),
        ([ALPHA, BETA[0]], "shapes"),
        ([ALPHA, BETA * np.nan], "finite"),
        ([ALPHA, -BETA], "0 or more"),
        ([ALPHA, BETA * [[1], [0]]], "topic 1 of beta"),
        ([ALPHA * 0, BETA], "alpha in"),
    ],
    ids=["none", "one", "turned", "flat", "NaN", "negative", "empty topic", "no prior"],
)
def test_a_model_that_is_none_is_refused(tmp_path, arrays, words):
    mxnet.write(tmp_path / "model_algo-1", [np.float32(array) for array in arrays])
    with pytest.raises(CustomerError, match=words):
        serve(tmp_path, {})


def test_an_empty_folder_and_a_foreign_file_are_refused(tmp_path):
    with pytest.raises(CustomerError, match="holds no file"):
        serve(tmp_path, {})
    (tmp_path / "model_algo-1").write_bytes(b"PK\x03\x04 something else entirely")
    with pytest.raises(CustomerError, match="no LDA model"):
        serve(tmp_path, {})
