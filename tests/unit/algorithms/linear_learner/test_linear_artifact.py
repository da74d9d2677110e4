"""The artifact's layout, artifacts made elsewhere, and answers to requests."""

import json
import struct
import zipfile

import msgspec
import numpy as np
import pytest

from lakemill.algorithms.contract import InferenceError, InferenceRequest
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.linear_learner import artifact
from lakemill.algorithms.linear_learner.model import BINARY, MULTICLASS, REGRESSOR, LinearModel
from lakemill.algorithms.linear_learner.serve import LinearPredictor, serve
from lakemill.formats import mxnet, records

MEMBERS = ["additional-params.json", "manifest.json", "mx-mod-0000.params", "mx-mod-symbol.json"]
X = np.float32([[1, 2, 0], [-3, 0.5, 1]])


def model(kind, rows=1):
    rng = np.random.default_rng(0)
    return LinearModel(rng.normal(size=(rows, 3)), rng.normal(size=rows), kind, threshold=0.3)


MODELS = [model(REGRESSOR), model(BINARY), model(MULTICLASS, 4)]


def ask(predictor, body, content_type="text/csv", accept="application/json"):
    return predictor.invoke(InferenceRequest(body, content_type, accept)).body


@pytest.mark.parametrize("one", MODELS, ids=lambda one: one.predictor_type)
def test_an_artifact_comes_back_as_it_was(one, tmp_path):
    artifact.save(one, tmp_path / "model_algo-1")
    back = artifact.load(tmp_path / "model_algo-1")
    np.testing.assert_allclose(back.scores(X), one.scores(X), rtol=1e-5)
    assert (back.predictor_type, back.threshold) == (one.predictor_type, 0.3)


def test_the_zip_has_the_four_members_and_the_arrays_their_names(tmp_path):
    artifact.save(model(MULTICLASS, 4), tmp_path / "model_algo-1")
    with zipfile.ZipFile(tmp_path / "model_algo-1") as archive:
        assert sorted(archive.namelist()) == MEMBERS
        arrays = mxnet.decode(archive.read("mx-mod-0000.params"))
        symbol = json.loads(archive.read("mx-mod-symbol.json"))
    assert {name: array.shape for name, array in arrays.items()} == {"arg:fc0_weight": (4, 3), "arg:fc0_bias": (4,)}
    assert [node["name"] for node in symbol["nodes"]] == ["data", "fc0_weight", "fc0_bias", "fc0", "out_label", "out"]


def elsewhere(path, additional, symbol, rows=1):
    arrays = {"arg:fc0_weight": np.ones((rows, 3), np.float32), "arg:fc0_bias": np.zeros(rows, np.float32)}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mx-mod-0000.params", mxnet.encode(arrays))
        archive.writestr("mx-mod-symbol.json", symbol)
        archive.writestr("additional-params.json", additional)
        archive.writestr("manifest.json", "{}")


def ndarray_bytes(rows, dim, values, bias, *, version=2):
    """`arg:fc0_weight` and `arg:fc0_bias` byte by byte, as MXNet's NDArray::Save writes them."""
    cpu_float32 = struct.pack("<iii", 1, 0, 0)
    dense = struct.pack("<Ii", 0xF993FAC9, 0) if version == 2 else struct.pack("<I", 0xF993FAC8)
    weight = dense + struct.pack("<Iqq", 2, rows, dim) + cpu_float32 + struct.pack(f"<{rows * dim}f", *values)
    shift = dense + struct.pack("<Iq", 1, rows) + cpu_float32 + struct.pack(f"<{rows}f", *bias)
    names = b"".join(struct.pack("<Q", len(name)) + name for name in (b"arg:fc0_weight", b"arg:fc0_bias"))
    return struct.pack("<QQQ", 0x112, 0, 2) + weight + shift + struct.pack("<Q", 2) + names


def test_the_arrays_have_mxnets_bytes(tmp_path):
    one = LinearModel(np.array([[1.5, -2, 0.25], [0, 1, 2], [3, 4, 5]]), np.array([0.5, -1, 8]), MULTICLASS)
    artifact.save(one, tmp_path / "model_algo-1")
    wanted = ndarray_bytes(3, 3, [1.5, -2, 0.25, 0, 1, 2, 3, 4, 5], [0.5, -1, 8])
    with zipfile.ZipFile(tmp_path / "model_algo-1") as archive:
        assert archive.read("mx-mod-0000.params") == wanted


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_artifact_of_mxnets_bytes_is_served(tmp_path, version, method):
    with zipfile.ZipFile(tmp_path / "model_algo-1", "w", method) as archive:
        archive.writestr("additional-params.json", "{}")
        archive.writestr("manifest.json", "{}")
        archive.writestr("mx-mod-symbol.json", '{"nodes": [{"op": "LogisticRegressionOutput", "name": "out"}]}')
        archive.writestr("mx-mod-0000.params", ndarray_bytes(1, 3, [1, 2, -1], [0.5], version=version))
    answer = json.loads(ask(serve(tmp_path, {}), b"1,0,1\n-1,0,0"))["predictions"]
    chances = 1 / (1 + np.exp(-np.array([0.5, -0.5])))
    np.testing.assert_allclose([row["score"] for row in answer], chances, rtol=1e-6)
    assert [row["predicted_label"] for row in answer] == [1, 0]


@pytest.mark.parametrize(("additional", "symbol", "rows", "kind", "threshold"), [
    ('{"predictor_type": "binary_classifier", "threshold": 0.25, "what": [1, 2]}', "{}", 1, BINARY, 0.25),
    ('{"settings": {"predictor_type": "binary_classifier", "cutoff": "0.7"}}', "{}", 1, BINARY, 0.7),
    ("{}", '{"nodes": [{"op": "LogisticRegressionOutput"}]}', 1, BINARY, 0.5),
    ("{}", '{"nodes": [{"op": "LinearRegressionOutput"}]}', 1, REGRESSOR, 0.5),
    ("not JSON", "{}", 3, MULTICLASS, 0.5),
    ("{}", "", 1, REGRESSOR, 0.5),
])  # fmt: skip
def test_artifacts_made_elsewhere_are_read_by_what_is_known(tmp_path, additional, symbol, rows, kind, threshold):
    elsewhere(tmp_path / "model_algo-1", additional, symbol, rows)
    found = artifact.load(tmp_path / "model_algo-1")
    assert (found.predictor_type, found.threshold, found.dim) == (kind, threshold, 3)


def test_what_is_no_artifact_is_refused(tmp_path):
    (tmp_path / "model_algo-1").write_bytes(b"no zip")
    with pytest.raises(CustomerError, match="model_algo-1 is not an artifact of linear-learner"):
        serve(tmp_path, {})
    (tmp_path / "model_algo-1").unlink()
    with pytest.raises(CustomerError, match="holds no model_algo-1"):
        serve(tmp_path, {})


def test_json_answers_have_awss_shapes():
    body = b"1,2,0\n-3,0.5,1\n"
    for one in MODELS:
        answer = json.loads(ask(LinearPredictor(one), body))["predictions"]
        scores = one.scores(X)
        np.testing.assert_allclose([row["score"] for row in answer], scores, rtol=1e-5)
        if one.predictor_type == REGRESSOR:
            assert set(answer[0]) == {"score"}
        else:
            assert [row["predicted_label"] for row in answer] == one.labels(scores).tolist()


def test_a_score_at_the_threshold_is_a_positive():
    one = LinearModel(np.zeros((1, 3)), np.zeros(1), BINARY, threshold=0.5)
    assert json.loads(ask(LinearPredictor(one), b"1,2,3"))["predictions"] == [{"score": 0.5, "predicted_label": 1}]


@pytest.mark.parametrize(("body", "content_type"), [
    (b'{"instances": [{"features": [1, 2, 0]}, {"data": {"features": {"values": [-3, 0.5, 1]}}}]}', "application/json"),
    (b'{"features": [1, 2, 0]}\n{"features": [-3, 0.5, 1]}', "application/jsonlines"),
    (records.encode(X), "application/x-recordio-protobuf"),
    (b'{"instances": [{"data": {"features": {"keys": [0, 1], "shape": [3], "values": [1, 2]}}},'
     b' {"data": {"features": {"keys": [0, 1, 2], "shape": [3], "values": [-3, 0.5, 1]}}}]}', "application/json"),
])  # fmt: skip
def test_every_request_form_gives_the_same_scores(body, content_type):
    one = model(BINARY)
    answer = ask(LinearPredictor(one), body, content_type, "application/jsonlines")
    found = [msgspec.json.decode(line)["score"] for line in answer.splitlines()]
    np.testing.assert_allclose(found, one.scores(X), rtol=1e-5)


def test_protobuf_answers_carry_score_and_label():
    answer = ask(LinearPredictor(model(MULTICLASS, 4)), b"1,2,0", accept="application/x-recordio-protobuf")
    assert b"score" in answer and b"predicted_label" in answer


def test_a_request_of_another_width_is_refused():
    with pytest.raises(InferenceError, match="expects 3 features") as wrong:
        ask(LinearPredictor(model(REGRESSOR)), b"1,2")
    assert wrong.value.status == 400
