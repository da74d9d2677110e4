"""The score, and artifacts of every layout."""

import itertools
import json
import struct
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.factorization_machines import artifact
from lakemill.algorithms.factorization_machines.model import FactorizationModel, chances
from lakemill.formats import mxnet


@pytest.fixture
def model():
    random = np.random.default_rng(0)
    linear, factors = random.normal(size=6).astype(np.float32), random.normal(size=(6, 3)).astype(np.float32)
    return FactorizationModel(0.5, linear, factors, "regressor")


def by_pairs(model, row):
    pairs = itertools.combinations(range(len(row)), 2)
    interactions = sum(model.factors[i] @ model.factors[j] * row[i] * row[j] for i, j in pairs)
    return model.bias + model.linear @ row + interactions


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
def test_the_score_is_the_sum_over_pairs(model, form):
    rows = np.random.default_rng(1).normal(size=(9, 6)).astype(np.float32)
    rows[rows < 0] = 0
    wanted = [by_pairs(model, row) for row in rows]
    np.testing.assert_allclose(model.scores(form(rows)), wanted, rtol=1e-5, atol=1e-5)


def test_chances_are_right_far_out():
    np.testing.assert_allclose(chances(np.array([-800.0, 0, 800])), [0, 0.5, 1], atol=1e-12)


def test_the_artifact_comes_back_and_has_the_same_bytes(model, tmp_path):
    for name in ("a", "b"):
        artifact.save(model, tmp_path / name, {"predictor_type": "regressor", "feature_dim": 6, "eps": None})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    found = artifact.load(tmp_path / "a")
    assert (found.bias, found.predictor_type) == (0.5, "regressor")
    np.testing.assert_array_equal(found.linear, model.linear)
    np.testing.assert_array_equal(found.factors, model.factors)


def test_the_artifact_has_the_members_and_arrays_of_awss(model, tmp_path):
    artifact.save(model, tmp_path / "model_algo-1", {"feature_dim": 6})
    with zipfile.ZipFile(tmp_path / "model_algo-1") as archive:
        assert archive.namelist() == ["meta.json", "symbol.json", "params"]
        arrays = mxnet.decode(archive.read("params"))
        assert json.loads(archive.read("meta.json")) == {"training_parameters": {"feature_dim": 6}}
        symbol = json.loads(archive.read("symbol.json"))
    assert {name: one.shape for name, one in arrays.items()} == {
        "arg:w0_weight": (1,),
        "arg:w1_weight": (6, 1),
        "arg:v": (6, 3),
    }
    names = [node["name"] for node in symbol["nodes"]]
    assert {"data", "v", "w0_weight", "w1_weight", "out_label"} <= set(names)
    assert [names[place] for place in symbol["arg_nodes"]] == ["data", "w1_weight", "w0_weight", "v", "out_label"]
    assert all(one[0] < place for place, node in enumerate(symbol["nodes"]) for one in node["inputs"])


def zipped(path, params, meta=b"{}", symbol=b"{}"):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("meta.json", meta), ("symbol.json", symbol), ("params", params)):
            archive.writestr(name, content)
    return path


def dense(array):
    """One dense array, byte by byte as MXNet's NDArray::Save writes it."""
    array = np.asarray(array, "<f4")
    return struct.pack(f"<IiI{array.ndim}qiii", 0xF993FAC9, 0, array.ndim, *array.shape, 1, 0, 0) + array.tobytes()


def by_rows(shape, places, rows):
    """The same of an array that is stored by rows."""
    rows = np.asarray(rows, "<f4")
    head = struct.pack("<IiI2qI2qiii", 0xF993FAC9, 1, 2, *rows.shape, 2, *shape, 1, 0, 0)
    return head + struct.pack("<iIq", 6, 1, len(places)) + rows.tobytes() + np.asarray(places, "<i8").tobytes()


def params(arrays):
    """An NDArray file, byte by byte."""
    names = b"".join(struct.pack("<Q", len(name)) + name.encode() for name in arrays)
    return (
        struct.pack("<QQQ", 0x112, 0, len(arrays)) + b"".join(arrays.values()) + struct.pack("<Q", len(arrays)) + names
    )


WANTED = {"bias": 0.25, "linear": [0, 2, 0], "factors": [[0, 0], [1, 3], [0, 0]]}


@pytest.mark.parametrize(
    "arrays",
    [
        {"w0_weight": dense([[0.25]]), "w1_weight": dense([[0], [2], [0]]), "v": dense([[0, 0], [1, 3], [0, 0]])},
        {
            "arg:w0_weight": dense([0.25]),
            "arg:w1_weight": by_rows((3, 1), [1], [[2]]),
            "arg:v": by_rows((3, 2), [1], [[1, 3]]),
        },
        {
            "Linear_Plus_Bias_bias": dense([0.25]),
            "Linear_Plus_Bias_weight": dense([[0, 2, 0]]),
            "v": dense([[0, 1, 0], [0, 3, 0]]),
        },
    ],
    ids=["sparse network", "sparse network stored by rows", "dense network"],
)
def test_artifacts_made_on_aws_are_read(arrays, tmp_path):
    meta = b'{"training_parameters": {"predictor_type": "binary_classifier", "feature_dim": "3"}}'
    found = artifact.load(zipped(tmp_path / "model_algo-1", params(arrays), meta))
    assert {"bias": found.bias, "linear": found.linear.tolist(), "factors": found.factors.tolist()} == WANTED
    assert found.predictor_type == "binary_classifier"


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [(b"LogisticRegressionOutput", "binary_classifier"), (b"LinearRegressionOutput", "regressor")],
)
def test_the_network_tells_the_kind_where_the_parameters_do_not(symbol, kind, tmp_path):
    content = params({"w0_weight": dense([0]), "w1_weight": dense([[0]]), "v": dense([[1]])})
    assert artifact.load(zipped(tmp_path / "a", content, b"no json", symbol)).predictor_type == kind


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"w0_weight": dense([0])}, "no factors v; it has w0_weight"),
        ({"w1_weight": dense([[0]]), "v": dense([[1], [2]])}, "v is of 2 features, w1_weight of 1"),
        ({"v": dense([[np.nan]])}, "not finite"),
    ],
)
def test_artifacts_that_make_no_sense_are_refused(arrays, says, tmp_path):
    with pytest.raises(CustomerError, match=says):
        artifact.load(zipped(tmp_path / "a", params(arrays)))


def test_what_is_no_zip_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"no zip")
    with pytest.raises(CustomerError, match="a is not an artifact of factorization-machines"):
        artifact.load(tmp_path / "a")
