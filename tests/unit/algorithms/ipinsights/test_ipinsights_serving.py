"""Requests in every form, answers, and artifacts that are none."""

import json
import zipfile

import numpy as np
import pytest

from lakemill.algorithms.contract import InferenceError, InferenceRequest
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.ipinsights.serve import serve
from lakemill.formats import mxnet
from tests.unit.algorithms.ipinsights.conftest import lines, log_ins

CSV, JSON, JSONLINES = "text/csv", "application/json", "application/jsonlines"


@pytest.fixture
def predictor(run_training):
    return serve(run_training(lines(*log_ins(2000, 1)), epochs=2).path.parent, {})


def asked(predictor, body, kind=CSV, accept=""):
    answer = predictor.invoke(InferenceRequest(body, kind, accept))
    return answer.body, answer.content_type


def test_the_answer_is_the_dot_product(predictor):
    body, kind = asked(predictor, b"user_1, 10.0.3.7\nuser_2,192.0.2.1\n")
    assert kind == JSON
    found = json.loads(body)["predictions"]
    assert [set(one) for one in found] == [{"dot_product"}, {"dot_product"}]


@pytest.mark.parametrize("accept", [f"{JSON};verbose=True", f"{JSON}; verbose=true", f"{JSONLINES}; verbose=True"])
def test_verbose_answers_bring_the_vectors_whose_product_it_is(predictor, accept):
    body, kind = asked(predictor, b"user_1,10.0.3.7\nuser_2,10.0.3.8\nuser_2,10.0.3.7\n", accept=accept)
    found = json.loads(body)["predictions"] if kind == JSON else [json.loads(line) for line in body.splitlines()]
    assert len(found) == 3
    for one in found:
        assert set(one) == {"dot_product", "ip_embedding", "entity_embedding"}
        assert len(one["ip_embedding"]) == len(one["entity_embedding"]) == 16
        assert one["dot_product"] == pytest.approx(np.dot(one["ip_embedding"], one["entity_embedding"]), abs=1e-5)
    assert found[1]["entity_embedding"] == found[2]["entity_embedding"]
    assert found[0]["ip_embedding"] == found[2]["ip_embedding"]


def test_verbose_false_is_the_plain_answer_and_other_words_are_refused(predictor):
    assert asked(predictor, b"u,1.2.3.4", accept=f"{JSON}; verbose=False") == asked(predictor, b"u,1.2.3.4")
    with pytest.raises(InferenceError, match="must be True or False; got maybe") as caught:
        asked(predictor, b"u,1.2.3.4", accept=f"{JSON}; verbose=maybe")
    assert caught.value.status == 406


def test_a_large_request_is_answered_as_its_lines_are(predictor):
    users, addresses = log_ins(3000, 7)
    whole = json.loads(asked(predictor, lines(users, addresses))[0])["predictions"]
    single = [
        json.loads(asked(predictor, lines(users[n : n + 1], addresses[n : n + 1]))[0])["predictions"][0]
        for n in range(20)
    ]
    for one, two in zip(whole, single, strict=False):
        assert one["dot_product"] == pytest.approx(two["dot_product"], abs=1e-5)
    assert len(whole) == 3000


@pytest.mark.parametrize(
    ("kind", "body", "status", "says"),
    [
        (CSV, b"u", 400, "1 columns and must have 2"),
        (CSV, b"u,1.2.3.999", 400, "'1.2.3.999' is no IPv4 address"),
        (JSON, b'{"instances":[{"features":["u"]}]}', 400, "1 features and must have 2"),
        (JSON, b'{"instances":[]}', 400, "holds no records"),
        (JSON, b"{", 415, "Unable to parse the body as application/json"),
        (JSONLINES, b'{"features":["u","1.2.3.4"]}\n{', 415, "line 2 is not a JSON instance"),
        (CSV, b"  \n", 400, "body is empty"),
        ("application/x-recordio-protobuf", b"x", 415, "must be one of text/csv, application/json"),
        ("", b"x", 415, "no Content-Type"),
    ],
)
def test_what_cannot_be_answered_is_said(predictor, kind, body, status, says):
    with pytest.raises(InferenceError, match=says) as caught:
        asked(predictor, body, kind)
    assert caught.value.status == status


def test_the_default_accept_of_the_environment_holds(run_training):
    folder = run_training(lines(*log_ins(300, 1)), epochs=1).path.parent
    predictor = serve(folder, {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": JSONLINES})
    assert asked(predictor, b"u,1.2.3.4")[1] == JSONLINES


class TestArtifacts:
    def test_an_empty_folder(self, tmp_path):
        with pytest.raises(CustomerError, match="holds no file"):
            serve(tmp_path, {})

    def test_a_file_that_is_no_zip(self, tmp_path):
        (tmp_path / "model_algo-1").write_bytes(b"none")
        with pytest.raises(CustomerError, match="model_algo-1 is no IP Insights model"):
            serve(tmp_path, {})

    def test_a_zip_of_another_form(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "model_algo-1", "w") as packed:
            packed.writestr("meta.json", "{}")
            packed.writestr("params", mxnet.encode({"embedding": np.zeros((3, 3), np.float32)}))
        with pytest.raises(CustomerError, match="of a form that is not known here"):
            serve(tmp_path, {})

    @pytest.mark.parametrize("wrong", ["missing", "shape", "nan", "cut"])
    def test_arrays_that_do_not_go_together(self, run_training, tmp_path, wrong):
        path = run_training(lines(*log_ins(300, 1)), epochs=1).path
        with zipfile.ZipFile(path) as packed:
            meta, arrays = packed.read("meta.json"), mxnet.decode(packed.read("params"))
        if wrong == "missing":
            del arrays["lengths"]
        elif wrong == "shape":
            arrays["prefix_vectors"] = arrays["prefix_vectors"][:-1]
        elif wrong == "nan":
            arrays["layer0_bias"][0, 0] = np.nan
        params = mxnet.encode(arrays)
        folder = tmp_path / "wrong"
        folder.mkdir()
        with zipfile.ZipFile(folder / "model_algo-1", "w") as packed:
            packed.writestr("meta.json", meta)
            packed.writestr("params", params[:-20] if wrong == "cut" else params)
        with pytest.raises(CustomerError, match="is no IP Insights model"):
            serve(folder, {})
