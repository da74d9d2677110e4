"""Serving projections, from our models and those of AWS."""

import json
import struct

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.contract import InferenceError, InferenceRequest
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.pca.serve import serve
from lakemill.formats import mxnet
from lakemill.formats.block import Block

MODEL = {"mean": np.float32([[1, 1, 0]]), "v": np.float32([[0, 1], [1, 0], [0, 0]]), "s": np.float32([1, 2])}


@pytest.fixture
def predictor(tmp_path):
    mxnet.write(tmp_path / "model_algo-1", MODEL)
    return serve(tmp_path, {})


def test_json_wraps_projections_in_projections(predictor):
    answer = predictor.invoke(InferenceRequest(b"3,4,9\n1,1,1\n", "text/csv", "application/json"))
    assert json.loads(answer.body) == {"projections": [{"projection": [3.0, 2.0]}, {"projection": [0.0, 0.0]}]}


def test_json_lines_hold_one_projection_each(predictor):
    answer = predictor.invoke(InferenceRequest(b"3,4,9\n1,1,1\n", "text/csv", "application/jsonlines"))
    assert [json.loads(line)["projection"] for line in answer.body.splitlines()] == [[3, 2], [0, 0]]


def test_a_csv_answer_is_refused(predictor):
    with pytest.raises(InferenceError) as refused:
        predictor.invoke(InferenceRequest(b"3,4,9\n", "text/csv", "text/csv"))
    assert refused.value.status == 406


def test_sparse_and_dense_records_get_the_same_projections(predictor):
    points = np.float32([[3, 4, 9], [0, 0, 5]])
    dense, sparse = predictor.outputs(Block(points), {}), predictor.outputs(Block(sp.csr_matrix(points)), {})
    np.testing.assert_allclose(dense["projection"], sparse["projection"])


def as_mxnet_saves(arrays):
    """A dict of float32 arrays as MXNet's NDArray::Save writes it on a CPU, byte for byte."""
    body = struct.pack("<QQQ", 0x112, 0, len(arrays))
    for array in arrays.values():
        body += struct.pack(f"<IiI{array.ndim}qiii", 0xF993FAC9, 0, array.ndim, *array.shape, 1, 0, 0) + array.tobytes()
    body += struct.pack("<Q", len(arrays))
    return body + b"".join(struct.pack("<Q", len(name)) + name.encode() for name in arrays)


@pytest.mark.parametrize("mean", [MODEL["mean"], MODEL["mean"][0]], ids=["(1, d)", "(d,)"])
@pytest.mark.parametrize("order", [("mean", "v", "s"), ("s", "mean", "v")])
def test_an_artifact_of_mxnets_own_making_serves(tmp_path, mean, order):
    arrays = {name: {**MODEL, "mean": mean}[name] for name in order}
    (tmp_path / "model_algo-1").write_bytes(as_mxnet_saves(arrays))
    assert serve(tmp_path, {}).outputs(Block(np.float32([[3, 4, 9]])), {})["projection"].tolist() == [[3.0, 2.0]]


def test_our_artifact_is_what_mxnet_would_have_written(run_training, table):
    done = run_training({"train": table}, num_components=3)
    assert done.model.read_bytes() == as_mxnet_saves({"mean": done.mean, "v": done.v, "s": done.s})


def test_a_mean_of_one_dimension_and_a_model_without_s_serve(tmp_path):
    mxnet.write(tmp_path / "model_algo-1", {"mean": MODEL["mean"][0], "v": MODEL["v"]})
    assert serve(tmp_path, {}).feature_dim == 3


@pytest.mark.parametrize(
    "arrays",
    [[MODEL["v"]], {"v": MODEL["v"]}, {"mean": MODEL["mean"], "v": MODEL["v"][:2]}, {**MODEL, "v": MODEL["mean"][0]}],
    ids=["a list", "no mean", "other widths", "flat"],
)
def test_a_model_that_is_none_is_refused(tmp_path, arrays):
    mxnet.write(tmp_path / "model_algo-1", arrays)
    with pytest.raises(CustomerError, match="mean"):
        serve(tmp_path, {})


def test_an_empty_folder_and_a_foreign_file_are_refused(tmp_path):
    with pytest.raises(CustomerError, match="holds no file"):
        serve(tmp_path, {})
    (tmp_path / "model_algo-1").write_bytes(b"PK\x03\x04 something else entirely")
    with pytest.raises(CustomerError, match="no PCA model"):
        serve(tmp_path, {})
