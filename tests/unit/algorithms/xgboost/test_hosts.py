"""Several hosts, here threads of one process, which the library can tell apart as well."""

from pathlib import Path

import numpy as np
import pytest

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.xgboost import scores
from lakemill.algorithms.xgboost.artifact import load_file
from lakemill.algorithms.xgboost.spec import SPEC
from tests.unit.algorithms.trainings import ArrayDataset, on_hosts, run

RANDOM = np.random.default_rng(11)
FEATURES = RANDOM.normal(size=(600, 5)).astype(np.float32)
LABELS = (FEATURES[:, 0] + FEATURES[:, 1] * FEATURES[:, 2] + RANDOM.normal(size=600) * 0.3 > 0).astype(np.float32)
GIVEN = {"num_round": "8", "objective": "binary:logistic", "eval_metric": "error,f1", "nthread": "1"}


class Shard(ArrayDataset):
    def __init__(self, rows: slice, features: np.ndarray = FEATURES, labels: np.ndarray = LABELS) -> None:
        super().__init__(features[rows], labels[rows])


def train(folder: Path, shards: list[slice], data=Shard, **more) -> list:
    """The shards' rows of the first 400 records are trained on, those of the rest are watched."""

    def work(collective):
        rows = shards[collective.rank]
        held_out = Shard(rows, FEATURES[400:], LABELS[400:])
        channels = {"train": data(rows, FEATURES[:400], LABELS[:400]), "validation": held_out}
        return run(SPEC, folder / str(collective.rank), channels, collective=collective, **{**GIVEN, **more})

    return on_hosts(len(shards), work)


def rounds(done) -> list[str]:
    return [line for line in done.text.splitlines() if "\ttrain-" in line]


def errors(done) -> list[float]:
    return [float(line.split("validation-error:")[1].split()[0]) for line in rounds(done)]


def test_two_hosts_make_one_model_as_good_as_one_hosts(tmp_path: Path) -> None:
    (alone,) = train(tmp_path / "one", [slice(None)])
    first, second = train(tmp_path / "two", [slice(0, None, 2), slice(1, None, 2)])
    assert (first.folder / "xgboost-model").exists() and not (second.folder / "xgboost-model").exists()
    assert len(rounds(first)) == 8 and not rounds(second)
    assert errors(first)[-1] == pytest.approx(errors(alone)[-1], abs=0.03)
    booster = load_file(first.folder / "xgboost-model").booster
    guessed = booster.inplace_predict(FEATURES[400:])
    assert float(rounds(first)[-1].rsplit("validation-f1:", 1)[1]) == pytest.approx(
        scores.score("f1", LABELS[400:], guessed, "binary:logistic"), abs=1e-5
    )


@pytest.mark.parametrize("shards", [[slice(0, 0), slice(None)], [slice(None), slice(0, 0)]], ids=str)
def test_a_host_without_records_changes_nothing(tmp_path: Path, shards: list[slice]) -> None:
    (alone,) = train(tmp_path / "one", [slice(None)])
    first, _ = train(tmp_path / "two", shards)
    assert (first.folder / "xgboost-model").read_bytes() == (alone.folder / "xgboost-model").read_bytes()
    assert rounds(first) == rounds(alone)


def test_the_same_hosts_make_the_same_model(tmp_path: Path) -> None:
    shards = [slice(0, 150), slice(150, None)]
    more = {"subsample": "0.6", "colsample_bynode": "0.6"}
    models = [
        (train(tmp_path / name, shards, **more)[0].folder / "xgboost-model").read_bytes()
        for name in ("first", "second")
    ]
    assert models[0] == models[1]


def test_hosts_cross_validate_together(tmp_path: Path) -> None:
    def work(collective):
        rows = slice(collective.rank, None, 2) if collective.rank < 2 else slice(0, 0)
        channels = {"train": Shard(rows)}
        (tmp_path / str(collective.rank) / "output").mkdir(parents=True)
        return run(SPEC, tmp_path / str(collective.rank), channels, collective=collective, **GIVEN, _kfold="3")

    first, *_ = on_hosts(3, work)
    assert len(list(first.folder.glob("xgboost-model-*"))) == 3
    table = np.loadtxt(first.folder / "output" / "predictions.csv", delimiter=",")
    assert np.array_equal(table[:, 0], np.r_[LABELS[::2], LABELS[1::2]])
    assert (table[:, 0] == table[:, 2]).mean() > 0.8


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"booster": "gblinear"}, "gblinear trains on one instance"),
        ({"tree_method": "exact"}, "use tree_method hist"),
        ({"updater": "grow_colmaker,prune"}, "use tree_method hist"),
    ],
)
def test_what_the_library_does_on_one_host_only_is_refused(tmp_path: Path, more: dict[str, str], said: str) -> None:
    with pytest.raises(CustomerError, match=said):
        train(tmp_path, [slice(0, 200), slice(200, None)], **more)


def test_no_records_on_any_host_is_said(tmp_path: Path) -> None:
    with pytest.raises(CustomerError, match="Channel train holds no records"):
        train(tmp_path, [slice(0, 0), slice(0, 0)])


def test_updaters_without_effect_stay_out_of_the_hosts_way(tmp_path: Path) -> None:
    first, _ = train(tmp_path, [slice(0, 150), slice(150, None)], updater="grow_histmaker,prune,sync")
    assert len(rounds(first)) == 8
