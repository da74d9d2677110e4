"""Requests and answers of the XGBoost container, per image version."""

import json
from pathlib import Path

import numpy as np
import pytest
import xgboost

from lakemill.algorithms.contract import InferenceError, InferenceRequest, InferenceResponse
from lakemill.algorithms.xgboost import serve
from lakemill.formats import records

RANDOM = np.random.default_rng(2)
FEATURES = RANDOM.normal(size=(120, 4)).astype(np.float32).round(3)
TWO = (FEATURES[:, 0] > 0).astype(int)
THREE = np.digitize(FEATURES[:, 0], [-0.5, 0.5])
ROWS = FEATURES[:3]
BODY = "".join(",".join(f"{value:g}" for value in row) + "\n" for row in ROWS.tolist()).encode()


def booster(objective: str, labels: np.ndarray, **more) -> xgboost.Booster:
    return xgboost.train({"objective": objective, **more}, xgboost.DMatrix(FEATURES, labels), 4)


@pytest.fixture(scope="module")
def models() -> dict[str, xgboost.Booster]:
    return {
        "binary": booster("binary:logistic", TWO),
        "margin": booster("binary:logitraw", TWO),
        "hinge": booster("binary:hinge", TWO),
        "softprob": booster("multi:softprob", THREE, num_class=3),
        "softmax": booster("multi:softmax", THREE, num_class=3),
        "regression": booster("reg:squarederror", FEATURES[:, 0]),
        "ranking": booster("rank:pairwise", TWO),
        "linear": booster("reg:squarederror", FEATURES[:, 0], booster="gblinear"),
    }


@pytest.fixture
def host(models, tmp_path: Path):
    """host("binary", SOME="environment") -> a predictor."""

    def made(*names: str, **environment: str) -> serve.XGBoostPredictor:
        for number, name in enumerate(names):
            (tmp_path / f"xgboost-model-{number}").write_bytes(models[name].save_raw())
        return serve.load(tmp_path, environment)

    return made


def ask(predictor, body: bytes = BODY, kind: str = "text/csv", accept: str = "") -> InferenceResponse:
    return predictor.invoke(InferenceRequest(body, kind, accept))


def expected(models, name: str) -> list:
    return models[name].predict(xgboost.DMatrix(ROWS)).tolist()


def test_csv_is_answered_line_by_line(host, models) -> None:
    answer = ask(host("binary"))
    assert answer.content_type == "text/csv"
    assert answer.body == "".join(f"{value}\n" for value in expected(models, "binary")).encode()


def test_a_matrix_is_a_comma_list_per_line_in_csv(host, models) -> None:
    lines = ask(host("softprob")).body.decode().splitlines()
    assert [json.loads(f"[{line}]") for line in lines] == expected(models, "softprob")


@pytest.mark.parametrize("name", ["binary", "softprob", "regression", "linear"])
def test_json_wraps_scores(host, models, name: str) -> None:
    answer = json.loads(ask(host(name), accept="application/json").body)
    assert answer == {"predictions": [{"score": value} for value in expected(models, name)]}


def test_json_lines_and_recordio_hold_the_same_scores(host, models) -> None:
    lines = ask(host("binary"), accept="application/jsonlines").body.splitlines()
    assert [json.loads(line)["score"] for line in lines] == expected(models, "binary")
    framed = ask(host("binary"), accept="application/x-recordio-protobuf").body
    assert [one["score"].tolist() for one in records.decode_outputs(framed)] == [
        [value] for value in expected(models, "binary")
    ]


def test_one_record_gives_the_same_as_many(host, models) -> None:
    predictor = host("binary")
    single = b"".join(ask(predictor, line + b"\n").body for line in BODY.splitlines())
    assert single == ask(predictor).body


@pytest.mark.parametrize("tag", ["1", "latest", "0.90-2-cpu-py3", "1.0-1-cpu-py3", "1.2-1"])
def test_old_containers_answer_one_line_whatever_accept_says(host, models, tag: str) -> None:
    answer = ask(host("binary", LAKEMILL_IMAGE_TAG=tag), accept="application/json")
    assert answer.body == ",".join(map(str, expected(models, "binary"))).encode()
    matrix = ask(host("softprob", LAKEMILL_IMAGE_TAG=tag)).body.decode()
    assert json.loads(f"[{matrix}]") == expected(models, "softprob")


@pytest.mark.parametrize("tag", ["1.2-2", "1.3-1", "1.7-1", "3.0-5"])
def test_later_containers_mind_accept(host, tag: str) -> None:
    assert ask(host("binary", LAKEMILL_IMAGE_TAG=tag), accept="application/json").content_type == "application/json"


def test_a_transform_job_gets_plain_lines(host, models) -> None:
    answer = ask(host("softprob", SAGEMAKER_BATCH="true"), accept="application/json")
    assert [json.loads(line) for line in answer.body.decode().splitlines()] == expected(models, "softprob")
    assert answer.body.endswith(b"]\n")


def test_the_default_accept_comes_from_the_environment(host) -> None:
    predictor = host("binary", SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="application/json")
    assert ask(predictor).content_type == "application/json"
    assert ask(predictor, accept="*/*").content_type == "application/json"


def test_libsvm_labels_are_optional_and_the_type_is_the_default(host, models) -> None:
    predictor = host("linear", LAKEMILL_IMAGE_TAG="1.7-1")
    bare = " ".join(f"{place}:{value:g}" for place, value in enumerate(ROWS[0].tolist())).encode()
    assert ask(predictor, bare, "").body == ask(predictor, b"1 " + bare, "text/x-libsvm").body
    assert float(ask(predictor, bare, "").body) == pytest.approx(expected(models, "linear")[0], rel=1e-5)


def test_libsvm_counted_from_one_is_shifted_by_the_newest_container_only(host, models) -> None:
    one_based = " ".join(f"{place + 1}:{value:g}" for place, value in enumerate(ROWS[0].tolist())).encode()
    assert float(ask(host("linear"), one_based, "text/libsvm").body) == pytest.approx(
        expected(models, "linear")[0], rel=1e-5
    )
    before = ask(host("linear", LAKEMILL_IMAGE_TAG="1.7-1"), one_based, "text/libsvm").body
    assert float(before) != pytest.approx(expected(models, "linear")[0], rel=1e-3)


def test_recordio_dense_and_csv_agree(host) -> None:
    predictor = host("binary")
    assert ask(predictor, records.encode(ROWS), "application/x-recordio-protobuf").body == ask(predictor).body


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " "])
def test_the_delimiter_is_sniffed(host, delimiter: str) -> None:
    predictor = host("binary")
    assert ask(predictor, BODY.replace(b",", delimiter.encode())).body == ask(predictor).body


def test_an_empty_field_is_a_missing_value(host, models) -> None:
    holes = ROWS.copy()
    holes[:, 1] = np.nan
    body = b"".join(b",".join(b"" if np.isnan(v) else b"%g" % v for v in row) + b"\n" for row in holes.tolist())
    found = [float(line) for line in ask(host("binary"), body).body.splitlines()]
    assert found == models["binary"].predict(xgboost.DMatrix(holes)).tolist()
    assert float(ask(host("binary"), body.splitlines()[0]).body) == found[0]


@pytest.mark.parametrize(
    ("body", "kind", "accept", "status"),
    [
        (b"1,2,3", "text/csv", "", 400),
        (b"1,2,3,4,5", "text/csv", "", 400),
        (b"1,2,3,pear", "text/csv", "", 415),
        (b"1,2,3,4", "application/xml", "", 415),
        (b"1,2,3,4", "text/csv", "image/png", 406),
        (b"\x00\x01", "application/x-recordio-protobuf", "", 415),
        (b"1 x:y", "text/libsvm", "", 415),
        (b"1 9:1", "text/libsvm", "", 400),
    ],
)
def test_what_cannot_be_answered_says_so(host, body: bytes, kind: str, accept: str, status: int) -> None:
    with pytest.raises(InferenceError) as raised:
        ask(host("binary"), body, kind, accept)
    assert raised.value.status == status


def test_an_empty_body_is_answered_with_nothing(host) -> None:
    assert ask(host("binary"), b"").status == 204


def test_several_models_are_averaged_and_class_votes_counted(host, models) -> None:
    mean = ask(host("binary", "binary", "margin"), accept="application/json").body
    both = np.mean([expected(models, name) for name in ("binary", "binary", "margin")], axis=0)
    assert [one["score"] for one in json.loads(mean)["predictions"]] == pytest.approx(both.tolist(), rel=1e-6)


def test_class_votes_are_counted(host, models) -> None:
    answer = ask(host("softmax", "softmax", "softmax"))
    assert [float(line) for line in answer.body.splitlines()] == expected(models, "softmax")


def test_without_ensemble_the_first_model_answers_alone(host, models) -> None:
    answer = ask(host("binary", "margin", SAGEMAKER_INFERENCE_ENSEMBLE="false"))
    assert [float(line) for line in answer.body.splitlines()] == expected(models, "binary")


def selected(host, name: str, wanted: str, accept: str = "application/jsonlines", **more: str) -> list[dict]:
    answer = ask(host(name, SAGEMAKER_INFERENCE_OUTPUT=wanted, **more), accept=accept)
    return [json.loads(line) for line in answer.body.splitlines()]


def test_selected_outputs_of_a_binary_model(host, models) -> None:
    found = selected(host, "binary", "predicted_label,labels,probability,probabilities,raw_score,raw_scores")
    for one, score in zip(found, expected(models, "binary"), strict=True):
        assert one == {
            "predicted_label": int(score > 0.5),
            "labels": [0, 1],
            "probability": score,
            "probabilities": [1 - score, score],
            "raw_score": score,
            "raw_scores": [1 - score, score],
        }


def test_selected_outputs_of_a_multiclass_model(host, models) -> None:
    found = selected(host, "softprob", "predicted_label,labels,probability,probabilities")
    for one, scores in zip(found, expected(models, "softprob"), strict=True):
        assert one["labels"] == [0, 1, 2]
        assert one["predicted_label"] == int(np.argmax(scores))
        assert one["probability"] == max(scores)
        assert one["probabilities"] == scores


def test_an_output_the_objective_lacks_is_nan(host) -> None:
    found = selected(host, "regression", "predicted_score,probability")
    assert all(np.isnan(one["probability"]) and isinstance(one["predicted_score"], float) for one in found)


def test_selected_lists_are_quoted_in_csv(host) -> None:
    answer = ask(host("binary", SAGEMAKER_INFERENCE_OUTPUT="predicted_label,labels"), accept="text/csv")
    assert all(line.endswith(',"[0, 1]"') for line in answer.body.decode().splitlines())


def test_selected_outputs_are_honoured_in_a_transform_job(host) -> None:
    assert len(selected(host, "binary", "labels", SAGEMAKER_BATCH="true")) == 3


def test_selected_outputs_in_recordio(host, models) -> None:
    predictor = host("softprob", SAGEMAKER_INFERENCE_OUTPUT="predicted_label,probabilities")
    found = records.decode_outputs(ask(predictor, accept="application/x-recordio-protobuf").body)
    assert found[0]["probabilities"].tolist() == expected(models, "softprob")[0]


@pytest.mark.parametrize(("name", "wanted"), [("ranking", "predicted_score"), ("binary", "colour")])
def test_outputs_that_cannot_be_selected_are_a_server_error(host, name: str, wanted: str) -> None:
    with pytest.raises(InferenceError) as raised:
        selected(host, name, wanted)
    assert raised.value.status == 500
