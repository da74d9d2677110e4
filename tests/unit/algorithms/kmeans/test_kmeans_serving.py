"""Serving centres, ours or hand-made."""

import json
import struct

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.contract import InferenceRequest
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.kmeans.serve import serve
from lakemill.formats import mxnet
from lakemill.formats.block import Block

CENTERS = np.float32([[0, 0], [10, 0], [0, 10]])


@pytest.fixture
def predictor(tmp_path):
    mxnet.write(tmp_path / "model_algo-1", [CENTERS])
    return serve(tmp_path, {})


@pytest.mark.parametrize(
    ("accept", "body"),
    [
        ("text/csv", b"1.0,5.0\n"),
        ("application/jsonlines", b'{"closest_cluster":1.0,"distance_to_cluster":5.0}\n'),
        ("application/json", b'{"predictions":[{"closest_cluster":1.0,"distance_to_cluster":5.0}]}'),
        ("", b'{"predictions":[{"closest_cluster":1.0,"distance_to_cluster":5.0}]}'),
    ],
)
def test_answers_are_the_cluster_and_the_plain_distance(predictor, accept, body):
    answer = predictor.invoke(InferenceRequest(b"13,4\n", "text/csv", accept)).body
    if accept.endswith("json") or not accept:
        assert json.loads(answer) == json.loads(body)
    else:
        assert answer.strip().replace(b" ", b"") == body.strip()


def as_mxnet_saves(name: bytes | None) -> bytes:
    """CENTERS as MXNet's NDArray::Save writes one float32 array on a CPU, byte for byte; name: of a named list."""
    head = struct.pack("<QQQ", 0x112, 0, 1)
    array = struct.pack("<IiIqqiii", 0xF993FAC9, 0, 2, 3, 2, 1, 0, 0) + CENTERS.tobytes()
    return head + array + (struct.pack("<Q", 0) if name is None else struct.pack("<QQ", 1, len(name)) + name)


@pytest.mark.parametrize("name", [None, b"centers"], ids=["a list", "a named list"])
def test_an_artifact_of_mxnets_own_making_serves(tmp_path, name):
    (tmp_path / "model_algo-1").write_bytes(as_mxnet_saves(name))
    found = serve(tmp_path, {}).outputs(Block(np.float32([[13, 4]])), {})
    assert (found["closest_cluster"].tolist(), found["distance_to_cluster"].tolist()) == ([1.0], [5.0])


def test_our_artifact_is_what_mxnet_would_have_written(run_training):
    done = run_training({"train": np.repeat(CENTERS, 20, axis=0)}, k=3)
    body, expected = done.model.read_bytes(), as_mxnet_saves(None)
    place = len(expected) - 8 - CENTERS.nbytes
    assert (body[:place], body[-8:], len(body)) == (expected[:place], expected[-8:], len(expected))
    assert sorted(done.centers.tolist()) == sorted(CENTERS.tolist())


def test_sparse_and_dense_records_get_the_same_answers(predictor):
    points = np.float32([[13, 4], [0, 9], [0, 0]])
    dense, sparse = predictor.outputs(Block(points), {}), predictor.outputs(Block(sp.csr_matrix(points)), {})
    for name in ("closest_cluster", "distance_to_cluster"):
        np.testing.assert_allclose(dense[name], sparse[name], rtol=1e-6)


def test_distances_far_from_zero_keep_their_digits(tmp_path):
    mxnet.write(tmp_path / "model_algo-1", [CENTERS + 1e5])
    found = serve(tmp_path, {}).outputs(Block(np.float32([[1e5 + 3, 1e5 + 4]])), {})
    assert found["distance_to_cluster"].tolist() == [5.0]


def test_any_name_and_number_type_of_a_hand_made_model_serves(tmp_path):
    mxnet.write(tmp_path / "my_centroids", [CENTERS.astype(np.float64)])
    assert serve(tmp_path, {}).feature_dim == 2


@pytest.mark.parametrize("arrays", [[], [np.float32([1, 2])], [np.float32([[np.nan, 1]])]], ids=["none", "flat", "NaN"])
def test_a_model_that_is_none_is_refused(tmp_path, arrays):
    mxnet.write(tmp_path / "model_algo-1", arrays)
    with pytest.raises(CustomerError, match="model_algo-1"):
        serve(tmp_path, {})


def test_an_empty_folder_and_a_foreign_file_are_refused(tmp_path):
    with pytest.raises(CustomerError, match="holds no file"):
        serve(tmp_path, {})
    (tmp_path / "model_algo-1").write_bytes(b"PK\x03\x04 something else entirely")
    with pytest.raises(CustomerError, match="no K-Means model"):
        serve(tmp_path, {})
