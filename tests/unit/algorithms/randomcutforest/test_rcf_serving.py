"""Serving what training wrote."""

import json

import numpy as np
import pytest

from lakemill.algorithms.contract import InferenceRequest
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.randomcutforest import artifact
from lakemill.algorithms.randomcutforest.forest import Forest
from lakemill.algorithms.randomcutforest.serve import serve


@pytest.fixture
def forest(cloud):
    forest = Forest(50, 12, 3)
    forest.plant(cloud)
    return forest


@pytest.fixture
def folder(forest, tmp_path):
    artifact.write(tmp_path / "model_algo-1", forest)
    return tmp_path


def test_a_forest_read_scores_as_the_one_written(forest, folder, cloud):
    np.testing.assert_allclose(artifact.read(folder / "model_algo-1").score(cloud), forest.score(cloud), rtol=1e-6)


def test_trees_of_one_leaf_and_of_equal_points_are_kept(tmp_path):
    for points in (np.ones((100, 2)), np.arange(50)[:, None]):
        forest = Forest(50, len(points) // 50, points.shape[1])
        forest.plant(points)
        artifact.write(tmp_path / "model", forest)
        np.testing.assert_array_equal(artifact.read(tmp_path / "model").score(points), forest.score(points))


@pytest.mark.parametrize("accept", ["application/json", "application/jsonlines", ""])
def test_answers_are_wrapped_in_scores(folder, forest, accept):
    request = InferenceRequest(b"0,0,0\n9,9,9\n", "text/csv", accept)
    body = serve(folder, {}).invoke(request).body
    found = [json.loads(line) for line in body.splitlines()] if "lines" in accept else json.loads(body)["scores"]
    expected = forest.score(np.array([[0.0, 0, 0], [9, 9, 9]]))
    assert [list(one) for one in found] == [["score"], ["score"]]
    assert [one["score"] for one in found] == pytest.approx(expected, rel=1e-5)


def damaged(path, **changes):
    with np.load(path) as found:
        arrays = dict(found)
    for name, change in changes.items():
        arrays[name] = change(arrays[name])
    with open(path, "wb") as file:
        np.savez(file, **arrays)


def filled(value):
    return lambda array: np.full_like(array, value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"points": filled(np.nan)}, "finite"),
        ({"points": lambda array: array[:, :5]}, "damaged"),
        ({"points": lambda array: array[0]}, r"must hold points \(trees, points, features\)"),
        ({"children": filled(0)}, "not those of a tree"),
        ({"children": filled(99)}, "not those of a tree"),
        ({"heads": filled(-1)}, "not those of a tree"),
        ({"cuts": filled(3)}, "a dimension that there is not"),
        ({"masses": filled(0)}, "no points"),
    ],
)
def test_a_damaged_model_is_refused(folder, changes, words):
    damaged(folder / "model_algo-1", **changes)
    with pytest.raises(CustomerError, match=words):
        serve(folder, {})


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(CustomerError, match="holds no file"):
        serve(tmp_path, {})
    (tmp_path / "model_algo-1").write_bytes(b"not one")
    with pytest.raises(CustomerError, match="model_algo-1 is no Random Cut Forest model"):
        serve(tmp_path, {})
