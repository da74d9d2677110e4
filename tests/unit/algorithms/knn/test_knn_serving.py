"""Serving the three files, ours or AWS's."""

import json
import struct

import faiss
import numpy as np
import pytest

from lakemill.algorithms.contract import InferenceError, InferenceRequest
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.knn.serve import serve
from lakemill.formats import records

POINTS = np.float32([[0, 0], [3, 4], [0, 1], [10, 0]])
LABELS = np.float32([1, 0, 1, 0])
METADATA = {
    "k": 3,
    "predictor_type": "classifier",
    "dimension_reduction": None,
    "normalize": False,
    "version": "1.0",
}


def flat_bytes(points, metric=1):
    """A flat index as faiss has written it since its beginnings: kind, header, count of numbers, numbers.

    Header: dimension i32, records i64, twice 1 << 20 (unused), trained u8, metric i32 (0 product, 1 L2).
    """
    n, width = points.shape
    header = struct.pack("<iqqqBi", width, n, 1 << 20, 1 << 20, 1, metric)
    kind = b"IxF2" if metric == 1 else b"IxFI"
    return kind + header + struct.pack("<Q", points.size) + points.astype("<f4").tobytes()


def laid_out(folder, index=None, metadata=None, labels=LABELS):
    (folder / "model_algo-1").write_bytes(flat_bytes(POINTS) if index is None else index)
    (folder / "model_algo-1.labels").write_bytes(labels.astype("<f4").tobytes())
    text = metadata if isinstance(metadata, str) else json.dumps({**METADATA, **(metadata or {})})
    (folder / "model_algo-1.json").write_text(text)
    return folder


def ask(predictor, body=b"0,0\n", kind="text/csv", accept="application/json"):
    return predictor.invoke(InferenceRequest(body, kind, accept)).body


def test_an_artifact_made_on_aws_answers(tmp_path):
    found = json.loads(ask(serve(laid_out(tmp_path), {})))
    assert found == {"predictions": [{"predicted_label": 1.0}]}


def test_a_verbose_answer_has_distances_and_labels_in_ascending_order(tmp_path):
    predictor = serve(laid_out(tmp_path), {})
    expected = {"predicted_label": 1.0, "distances": [0.0, 1.0, 25.0], "labels": [1.0, 1.0, 0.0]}
    text = ask(predictor, accept="application/json; verbose=true")
    assert text == json.dumps({"predictions": [expected]}, separators=(",", ":")).encode()
    lines = ask(predictor, b"0,0\n9,0\n", accept="application/jsonlines; verbose=true").splitlines()
    assert [json.loads(line)["labels"] for line in lines] == [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    (found,) = records.decode_outputs(ask(predictor, accept="application/x-recordio-protobuf; verbose=true"))
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], np.atleast_1d(values))


def test_one_and_many_records_get_the_same_answers(tmp_path):
    random = np.random.default_rng(0)
    points, labels = random.normal(size=(500, 8)).astype(np.float32), random.integers(0, 4, 500).astype(np.float32)
    predictor = serve(laid_out(tmp_path, flat_bytes(points), labels=labels), {})
    accept = "application/jsonlines; verbose=true"
    lines = [b",".join(b"%r" % float(value) for value in row) + b"\n" for row in points[:100]]
    together = [json.loads(line) for line in ask(predictor, b"".join(lines), accept=accept).splitlines()]
    for line, found in zip(lines, together, strict=True):
        alone = json.loads(ask(predictor, line, accept=accept))
        assert alone["labels"] == found["labels"]
        np.testing.assert_allclose(alone["distances"], found["distances"], rtol=1e-5)
        assert found["distances"][0] == 0


def test_k_and_predictor_may_be_edited_also_in_pythons_words(tmp_path):
    edited = str({**METADATA, "k": 4, "predictor_type": "regressor"})
    assert "False" in edited and "None" in edited
    assert json.loads(ask(serve(laid_out(tmp_path, metadata=edited), {})))["predictions"] == [{"predicted_label": 0.5}]


def test_a_normalised_index_of_products_is_asked_for_the_cosine(tmp_path):
    unit = POINTS / np.maximum(np.linalg.norm(POINTS, axis=1, keepdims=True), 1)
    predictor = serve(laid_out(tmp_path, flat_bytes(unit, metric=0), {"normalize": True, "k": 2}), {})
    (found,) = json.loads(ask(predictor, b"6,8\n", accept="application/json; verbose=true"))["predictions"]
    np.testing.assert_allclose(found["distances"], [0, 0.2], atol=1e-6)


def test_padded_vectors_of_an_index_from_aws_take_narrower_records(tmp_path):
    points = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
    points[:, 6:] = 0
    index = faiss.index_factory(8, "IVF4,PQ4np")
    index.train(points)
    index.add(points)
    body = faiss.serialize_index(index).tobytes()
    labels = (points[:, 0] > 0).astype(np.float32)
    predictor = serve(laid_out(tmp_path, body, labels=labels), {})
    assert predictor.invoke(InferenceRequest(b"1,0,0,0,0,0\n", "text/csv", "")).status == 200
    with pytest.raises(InferenceError, match="expects 8 features per record; got 4"):
        ask(predictor, b"1,0,0,0\n")


def test_csv_may_name_its_labels_and_its_encoding(tmp_path):
    predictor = serve(laid_out(tmp_path), {})
    assert ask(predictor, b"7,0,0\n", "text/csv;label_size=1") == ask(predictor, b"0,0\n", "text/csv;encoding=utf-8")


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"k": 0}, "k in model_algo-1.json must be a positive integer; got 0"),
        ({"k": 5}, "must be at most 4"),
        ({"predictor_type": "oracle"}, "classifier or regressor; got 'oracle'"),
        ("[1]", "must be a JSON object"),
        ("{", "must be a JSON object"),
        ({"dimension_reduction": {"type": "sign", "seed": 1, "target_dim": 2, "input_dim": 9}}, "not made here"),
        ({"dimension_reduction": "sign"}, "not made here"),
        ({"dimension_reduction": {"type": "sign", "generator": "lakemill-pcg64"}}, "as it was made"),
    ],
)
def test_metadata_that_make_no_sense_are_refused(tmp_path, metadata, words):
    with pytest.raises(CustomerError, match=words):
        serve(laid_out(tmp_path, metadata=metadata), {})


def test_files_that_are_missing_or_foreign_are_refused(tmp_path):
    with pytest.raises(CustomerError, match=r"no model_algo-1\.json"):
        serve(tmp_path, {})
    laid_out(tmp_path, labels=LABELS[:2])
    with pytest.raises(CustomerError, match=r"4 vectors, and model_algo-1\.labels 2 labels"):
        serve(tmp_path, {})
    laid_out(tmp_path, index=b"PK\x03\x04 something else entirely")
    with pytest.raises(CustomerError, match="no faiss index"):
        serve(tmp_path, {})
    laid_out(tmp_path, index=flat_bytes(POINTS)[:-5])
    with pytest.raises(CustomerError, match="no faiss index"):
        serve(tmp_path, {})
    (tmp_path / "model_algo-1").unlink()
    with pytest.raises(CustomerError, match="holds no model_algo-1, the faiss index"):
        serve(tmp_path, {})


@pytest.mark.parametrize("kind", ["sign", "fjlt"])
def test_a_reduced_model_of_ours_serves(run_training, groups, kind):
    done = run_training({"train": groups}, dimension_reduction_type=kind, dimension_reduction_target=4)
    metadata = json.loads((done.folder / "model_algo-1.json").read_text())
    assert metadata["dimension_reduction"] == {
        "type": kind,
        "seed": 0,
        "target_dim": 4,
        "input_dim": 6,
        "generator": "lakemill-pcg64",
    }
    answer = json.loads(ask(serve(done.folder, {}), b"12,0,0,0,0,0\n0,12,0,0,0,0\n0,0,12,0,0,0\n"))
    assert [one["predicted_label"] for one in answer["predictions"]] == [0, 1, 2]


@pytest.mark.parametrize("index_type", ["faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ"])
def test_a_model_far_from_zero_or_padded_serves_from_its_file(run_training, groups, index_type):
    points = groups[0] + np.float32(5000)
    done = run_training({"train": (points, groups[1])}, index_type=index_type, faiss_index_pq_m=4)
    rows = b"".join(b",".join(b"%r" % float(value) for value in row) + b"\n" for row in points[:60])
    answer = json.loads(ask(serve(done.folder, {}), rows))
    found = [one["predicted_label"] for one in answer["predictions"]]
    assert np.mean(found == groups[1][:60]) > 0.95
