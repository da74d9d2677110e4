"""Model files of all ages; pickles are read, never run."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import xgboost

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.xgboost import legacy
from lakemill.algorithms.xgboost.artifact import load_file, load_folder
from lakemill.algorithms.xgboost.quick import OneRow

CASES = Path(__file__).parents[3] / "cases" / "xgboost"
EXPECTED = json.loads((CASES / "expected.json").read_text())
FEATURES = np.array(EXPECTED["features"], np.float32)  # None becomes NaN.


def predict(loaded) -> np.ndarray:
    return loaded.booster.predict(xgboost.DMatrix(FEATURES), iteration_range=(0, loaded.rounds))


@pytest.mark.parametrize("name", sorted(EXPECTED["predictions"]))
def test_a_model_of_an_older_library_predicts_what_it_did_there(name: str) -> None:
    # 1e-6 relative: the base score is kept behind or before the link function, in 32 bits.
    np.testing.assert_allclose(predict(load_file(CASES / name)), EXPECTED["predictions"][name], rtol=1e-6)


def test_what_an_old_model_says_about_itself_is_known() -> None:
    softprob = load_file(CASES / "0.90-softprob-model")
    assert (softprob.objective, softprob.feature_dim, softprob.class_count) == ("multi:softprob", 5, 3)
    forest = load_file(CASES / "1.2.1-forest-pickle")
    assert forest.rounds == 18  # Six rounds of three trees.
    assert load_file(CASES / "1.2.1-linear-model").linear


def test_a_damaged_old_model_is_refused_in_words(tmp_path: Path) -> None:
    raw = (CASES / "0.90-softprob-model").read_bytes()
    for size in (150, 400, 2000, len(raw) - 1):
        (tmp_path / "model").write_bytes(raw[:size])
        with pytest.raises(CustomerError, match=r"ends too early|not a model"):
            load_file(tmp_path / "model")


def test_a_model_of_today_is_not_taken_for_an_old_one() -> None:
    booster = xgboost.train({}, xgboost.DMatrix(FEATURES, np.arange(40)), 1)
    assert not legacy.is_legacy(bytes(booster.save_raw()))
    assert not legacy.is_legacy(bytes(booster.save_raw("json")))


class Hostile:
    def __reduce__(self):
        return print, ("this ran",)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_of_anything_else_is_refused_and_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture, protocol: int
) -> None:
    for thing in (Hostile(), {"handle": Hostile()}, Path("/tmp"), {"a": 1}):
        (tmp_path / "model").write_bytes(pickle.dumps(thing, protocol))
        with pytest.raises(CustomerError):
            load_file(tmp_path / "model")
    assert "this ran" not in capsys.readouterr().out


def test_a_booster_pickled_today_is_read(tmp_path: Path) -> None:
    labels = np.arange(len(FEATURES)) % 2
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(FEATURES, labels), 3)
    (tmp_path / "model").write_bytes(pickle.dumps(booster))
    assert np.array_equal(predict(load_file(tmp_path / "model")), booster.predict(xgboost.DMatrix(FEATURES)))


def test_an_empty_folder_and_a_text_file_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(CustomerError, match="No model file"):
        load_folder(tmp_path)
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "notes.txt").write_text("these are notes")
    with pytest.raises(CustomerError, match=r"notes\.txt is not a model"):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    ("parameters", "labels"),
    [
        ({"objective": "binary:logistic"}, np.arange(40) % 2),
        ({"objective": "multi:softprob", "num_class": 4}, np.arange(40) % 4),
        ({"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.5}, np.arange(40) % 2),
        ({"objective": "reg:squarederror", "num_parallel_tree": 2}, np.arange(40)),
    ],
    ids=lambda value: value["objective"] if isinstance(value, dict) else "",
)
def test_one_row_through_the_c_interface_equals_the_librarys_prediction(parameters: dict, labels: np.ndarray) -> None:
    booster = xgboost.train(parameters, xgboost.DMatrix(FEATURES, labels), 5)
    for rounds in (0, 3):
        quick = OneRow(booster, 5, rounds)
        expected = booster.predict(xgboost.DMatrix(FEATURES), iteration_range=(0, rounds))
        found = np.concatenate([quick(FEATURES[row : row + 1]) for row in range(40)])
        assert np.array_equal(found, expected)
