"""Answers of both kinds of model."""

import json

import numpy as np
import pytest

from lakemill.algorithms.contract import InferenceError, InferenceRequest
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.factorization_machines import artifact
from lakemill.algorithms.factorization_machines.model import FactorizationModel
from lakemill.algorithms.factorization_machines.serve import serve
from lakemill.formats import records

DENSE = b'{"instances": [{"features": [1, 1, 0]}, {"features": [0, 0, 0]}]}'
SPARSE = b'{"instances": [{"data": {"features": {"keys": [0, 1], "shape": [3], "values": [1, 1]}}}]}'


@pytest.fixture
def folder(tmp_path):
    def made(kind):
        model = FactorizationModel(-1.0, np.float32([1, 0, 0]), np.float32([[2], [0.5], [0]]), kind)
        artifact.save(model, tmp_path / "model_algo-1", {"predictor_type": kind})
        return tmp_path

    return made


def asked(predictor, body, kind="application/json", accept=""):
    return predictor.invoke(InferenceRequest(body, kind, accept))


def test_a_regressor_answers_scores(folder):
    answer = asked(serve(folder("regressor"), {}), DENSE)
    assert json.loads(answer.body) == {"predictions": [{"score": 1.0}, {"score": -1.0}]}


def test_a_classifier_answers_chances_and_labels_as_floats(folder):
    answer = asked(serve(folder("binary_classifier"), {}), DENSE)
    first, second = json.loads(answer.body)["predictions"]
    assert first["score"] == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-6)
    assert (first["predicted_label"], second["predicted_label"]) == (1.0, 0.0)
    assert b'"predicted_label":1.0' in answer.body.replace(b" ", b"")


def test_sparse_and_dense_requests_agree(folder):
    predictor = serve(folder("binary_classifier"), {})
    dense, sparse = (json.loads(asked(predictor, body).body)["predictions"][0] for body in (DENSE, SPARSE))
    assert dense == pytest.approx(sparse)


def test_a_batch_job_is_answered_in_lines(folder):
    answer = asked(serve(folder("binary_classifier"), {"SAGEMAKER_BATCH": "true"}), DENSE)
    assert answer.content_type == "application/jsonlines"
    assert [sorted(json.loads(line)) for line in answer.body.splitlines()] == [["predicted_label", "score"]] * 2


def test_recordio_answers_hold_one_float_each(folder):
    form = "application/x-recordio-protobuf"
    body = records.encode(np.float32([[1, 1, 0]]), None)
    (found,) = records.decode_outputs(asked(serve(folder("binary_classifier"), {}), body, form, form).body)
    assert {name: value.shape for name, value in found.items()} == {"score": (1,), "predicted_label": (1,)}


def test_csv_is_not_understood(folder):
    predictor = serve(folder("regressor"), {})
    with pytest.raises(InferenceError) as refused:
        asked(predictor, b"1,1,0\n", "text/csv")
    assert refused.value.status == 415
    with pytest.raises(InferenceError) as refused:
        asked(predictor, DENSE, accept="text/csv")
    assert refused.value.status == 406


def test_features_without_a_finite_score_are_refused(folder):
    with pytest.raises(InferenceError, match="too large") as refused:
        asked(serve(folder("regressor"), {}), b'{"instances": [{"features": [1e30, 1e30, 0]}]}')
    assert refused.value.status == 400


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(CustomerError, match="holds no model_algo-1"):
        serve(tmp_path, {})
