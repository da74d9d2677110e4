"""The train function on small tables: channels in, artifact, log lines and predictions out."""

import json
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import xgboost

from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.xgboost import data, matrices
from lakemill.algorithms.xgboost.artifact import load_file, load_folder
from lakemill.algorithms.xgboost.spec import SPEC
from lakemill.algorithms.xgboost.train import train
from lakemill.container.dataset import ChannelDataset
from lakemill.formats import csv
from lakemill.formats.block import Block

RANDOM = np.random.default_rng(7)
FEATURES = RANDOM.normal(size=(200, 4)).astype(np.float32)
LABELS = (FEATURES[:, 0] + RANDOM.normal(size=200) * 0.3 > 0).astype(np.float32)


class Table:
    """A channel that is in memory already."""

    files: tuple = ()
    streamed = False

    def __init__(self, features, labels, kind: str = "application/x-recordio-protobuf", weights=None, **parameters):
        self.content_type, self.parameters = kind, parameters
        self.block = Block(features, labels, weights)

    def read(self) -> Block:
        return self.block

    def blocks(self, rows: int, **options):
        return (self.block.take(slice(at, at + rows)) for at in range(0, len(self.block), rows))


class Killed(BaseException):
    """kill -9, as far as a test can see it."""


class Lines:
    """A log that is kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, text: str) -> None:
        self.lines.append(text)

    warning = raw = info


class Fatal(Lines):
    """One that ends the process when a round is reported."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self._rounds = rounds

    def raw(self, text: str) -> None:
        self.info(text)
        self._rounds -= text.startswith("[")
        if not self._rounds:
            raise Killed


def channels(**more) -> dict[str, Table]:
    return {"train": Table(FEATURES[:150], LABELS[:150]), "validation": Table(FEATURES[150:], LABELS[150:])} | more


def run(folder: Path, given: dict[str, str], tables: dict[str, Table] | None = None, log=None, **more) -> Lines:
    log = log or Lines()
    for name in ("model", "data"):
        (folder / name).mkdir(exist_ok=True)
    values = SPEC.validate({"num_round": "4", "nthread": "1", **given})
    tables = channels() if tables is None else tables
    train(TrainingContext(values, tables, folder / "model", folder / "data", log, **more))
    return log


def model(folder: Path) -> xgboost.Booster:
    return load_file(folder / "model" / "xgboost-model").booster


def matrix(rows: slice = slice(0, 150)) -> xgboost.DMatrix:
    return xgboost.DMatrix(FEATURES[rows], LABELS[rows])


@pytest.mark.parametrize(
    "given",
    [
        {"objective": "binary:logistic", "subsample": "0.6", "colsample_bynode": "0.5", "seed": "9"},
        {"objective": "reg:squarederror", "tree_method": "exact", "monotone_constraints": "(1,0,0,0)"},
        {"objective": "reg:logistic", "base_score": "0.3", "reg_alpha": "0.1", "learning_rate": "0.2"},
        {"objective": "binary:logistic", "interaction_constraints": "[[0,1],[2,3]]", "max_leaves": "5"},
        {"objective": "count:poisson", "max_delta_step": "0.5", "grow_policy": "lossguide"},
        {"objective": "binary:hinge", "updater": "grow_colmaker,prune"},
        {"objective": "reg:tweedie", "tweedie_variance_power": "1.2", "max_bin": "16"},
        {"objective": "binary:logistic", "updater": "grow_histmaker,prune,sync", "gamma": "2", "max_depth": "9"},
        {"objective": "reg:squarederror", "updater": "grow_quantile_histmaker,prune", "gamma": "1", "max_depth": "9"},
    ],
    ids=lambda given: given["objective"],
)
def test_predictions_equal_the_librarys_to_the_last_bit(tmp_path: Path, given: dict[str, str]) -> None:
    run(tmp_path, given)
    aliases = {"reg_alpha": "alpha", "learning_rate": "eta"}
    parameters = {aliases.get(name, name): text for name, text in given.items()}
    theirs = xgboost.train(parameters, matrix(), 4).predict(matrix(slice(150, 200)))
    assert np.array_equal(model(tmp_path).predict(matrix(slice(150, 200))), theirs)


def test_the_log_has_a_line_for_every_round_and_all_metrics(tmp_path: Path) -> None:
    log = run(tmp_path, {"objective": "binary:logistic", "eval_metric": "error,f1,auc"})
    rounds = [line for line in log.lines if line.startswith("[")]
    assert len(rounds) == 4
    names = [part.partition(":")[0] for part in rounds[0].split("\t")]
    assert names == ["[0]", *(f"{data}-{name}" for data in ("train", "validation") for name in ("error", "auc", "f1"))]
    assert log.lines[0] == "Train matrix has 150 rows and 4 columns"


@pytest.mark.parametrize("weights", [None, np.arange(150, dtype=np.float32)], ids=["plain", "weighted"])
@pytest.mark.parametrize("metric", ["auc", "auc,error", "logloss,auc"])
def test_every_value_of_the_log_is_the_librarys(tmp_path: Path, metric: str, weights: np.ndarray | None) -> None:
    tables = {"train": Table(FEATURES[:150], LABELS[:150], weights=weights)}
    log = run(tmp_path, {"objective": "binary:logistic", "eval_metric": metric}, tables)
    found: dict = {}
    given = {"objective": "binary:logistic", "eval_metric": metric.split(",")}
    train = xgboost.DMatrix(FEATURES[:150], LABELS[:150], weight=weights)
    xgboost.train(given, train, 4, evals=[(train, "train")], evals_result=found, verbose_eval=False)
    for number, line in enumerate(line for line in log.lines if line.startswith("[")):
        theirs = {f"train-{name}:{values[number]:.5f}" for name, values in found["train"].items()}
        assert set(line.split("\t")[1:]) == theirs


def test_early_stopping_saves_the_best_rounds(tmp_path: Path) -> None:
    given = {"objective": "binary:logistic", "eval_metric": "logloss", "num_round": "60", "early_stopping_rounds": "3",
             "eta": "1"}  # fmt: skip
    log = run(tmp_path, given)
    losses = [float(line.split("validation-logloss:")[1]) for line in log.lines if "validation-logloss" in line]
    best = int(np.argmin(losses))
    assert len(losses) == best + 4 < 60
    assert model(tmp_path).num_boosted_rounds() == best + 1
    assert log.lines[-1] == f"Stopping. Best iteration: {best}"


def test_early_stopping_watches_the_tuning_metric_first(tmp_path: Path) -> None:
    given = {"objective": "binary:logistic", "eval_metric": "logloss", "num_round": "60", "early_stopping_rounds": "2",
             "_tuning_objective_metric": "validation:auc", "eta": "1"}  # fmt: skip
    log = run(tmp_path, given)
    values = [float(line.split("validation-auc:")[1]) for line in log.lines if "validation-auc" in line]
    assert len(values) == int(np.argmax(values)) + 3


@pytest.mark.parametrize("metric", ["tweedie-nloglik", "error@0.5", "ndcg@3", "error@0.7"])
def test_early_stopping_finds_a_metric_with_an_argument_and_so_does_its_regex(tmp_path: Path, metric: str) -> None:
    objectives = {"tweedie-nloglik": "reg:tweedie", "ndcg@3": "rank:ndcg"}
    given = {
        "objective": objectives.get(metric, "binary:logistic"),
        "eval_metric": metric,
        "early_stopping_rounds": "2",
    }
    log = run(tmp_path, given)
    regex = next(one.regex for one in SPEC.metrics if one.name == f"validation:{metric.partition('@')[0]}")
    rounds = [line.replace("\t", "#011") for line in log.lines if line.startswith("[")]
    assert rounds and all(float(re.search(regex, line).group(1)) >= 0 for line in rounds)


def test_early_stopping_is_off_without_validation_and_the_log_says_so(tmp_path: Path) -> None:
    given = {"eval_metric": "rmse", "early_stopping_rounds": "1"}
    log = run(tmp_path, given, {"train": Table(FEATURES, LABELS)})
    assert any("Early stopping is off" in line for line in log.lines)
    assert model(tmp_path).num_boosted_rounds() == 4


def test_the_weight_column_weighs(tmp_path: Path) -> None:
    weights = RANDOM.random(150).astype(np.float32)
    text = csv.encode(np.column_stack([LABELS[:150], weights, FEATURES[:150]]))
    (tmp_path / "part.csv").write_bytes(text)
    train = ChannelDataset("train", "text/csv", {"label_size": "1"}, [tmp_path / "part.csv"])
    run(tmp_path, {"csv_weights": "1"}, {"train": train})
    theirs = xgboost.train({}, xgboost.DMatrix(FEATURES[:150], LABELS[:150], weight=weights), 4)
    assert np.array_equal(model(tmp_path).predict(matrix()), theirs.predict(matrix()))


def test_sparse_channels_of_different_width_are_brought_to_one(tmp_path: Path) -> None:
    wide = scipy.sparse.csr_matrix(FEATURES[:150])
    narrow = scipy.sparse.csr_matrix(FEATURES[150:, :3])
    run(
        tmp_path,
        {"eval_metric": "rmse"},
        {"train": Table(wide, LABELS[:150]), "validation": Table(narrow, LABELS[150:])},
    )
    assert model(tmp_path).num_features() == 4


def test_libsvm_that_counts_from_one_is_shifted_and_the_model_remembers(tmp_path: Path) -> None:
    shifted = scipy.sparse.csr_matrix(np.column_stack([np.zeros(200), FEATURES]).astype(np.float32))
    for features, base in ((shifted, 1), (scipy.sparse.csr_matrix(FEATURES), 0)):
        run(tmp_path, {}, {"train": Table(features, LABELS, "libsvm")})
        loaded = load_file(tmp_path / "model" / "xgboost-model")
        assert (loaded.feature_dim, loaded.libsvm_base) == (4, base)


def test_groups_rank_within_their_query(tmp_path: Path) -> None:
    table = Table(FEATURES, LABELS)
    table.block.groups = np.repeat(np.arange(20), 10)
    run(tmp_path, {"objective": "rank:ndcg"}, {"train": table})
    grouped = xgboost.DMatrix(FEATURES, LABELS, qid=np.repeat(np.arange(20), 10))
    theirs = xgboost.train({"objective": "rank:ndcg"}, grouped, 4)
    assert np.array_equal(model(tmp_path).predict(matrix()), theirs.predict(matrix()))


def test_survival_takes_labels_as_exact_times(tmp_path: Path) -> None:
    times = np.exp(FEATURES[:, 0]).astype(np.float32)
    given = {"objective": "survival:aft", "eval_metric": "aft-nloglik", "aft_loss_distribution_scale": "0.5"}
    log = run(tmp_path, given, {"train": Table(FEATURES, times)})
    losses = [float(line.split("aft-nloglik:")[1]) for line in log.lines if "aft-nloglik" in line]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize(
    ("given", "tables", "said"),
    [
        ({}, {"train": Table(FEATURES, None)}, "has no labels"),
        ({}, {"train": Table(FEATURES, LABELS * np.nan)}, "label of record 1 of channel train is not a finite number"),
        ({}, {"train": Table(FEATURES, np.column_stack([LABELS, LABELS]))}, "XGBoost takes one"),
        (
            {},
            {name: Table(FEATURES, LABELS, "text/csv", label_size="0") for name in ("train", "validation")},
            "label_size must",
        ),
        ({"csv_weights": "1"}, {}, "csv_weights is for CSV data"),
        ({}, {"validation": Table(FEATURES[:, :3], LABELS)}, "same number of feature columns"),
        ({}, {"validation": Table(FEATURES, LABELS, "text/csv")}, "same content type"),
        (
            {"objective": "binary:logistic"},
            {"train": Table(FEATURES, LABELS + 5)},
            r"label must be in \[0,1\] for binary:logistic; record 1",
        ),
        (
            {"objective": "multi:softmax", "num_class": "3", "eval_metric": "precision"},
            {"train": Table(FEATURES, LABELS * 2)},
            "precision_macro",
        ),
        (
            {"objective": "multi:softmax", "num_class": "2"},
            {"train": Table(FEATURES, LABELS + 5)},
            "label must be a whole number",
        ),
        ({"objective": "reg:gamma"}, {"train": Table(FEATURES, -LABELS - 1)}, "label must be positive"),
        ({}, {"train": Table(FEATURES, LABELS, weights=LABELS - 1)}, "weight of record"),
    ],
)
def test_data_that_cannot_be_trained_on_is_the_users_to_mend(tmp_path: Path, given, tables, said: str) -> None:
    with pytest.raises(CustomerError, match=said):
        run(tmp_path, given, channels(**tables))


def test_a_stopped_job_leaves_a_model_only_if_asked(tmp_path: Path) -> None:
    stopping = threading.Event()
    stopping.set()
    log = run(tmp_path, {}, stopping=stopping)
    assert not list((tmp_path / "model").iterdir())
    assert any("save_model_on_termination" in line for line in log.lines)
    run(tmp_path, {"save_model_on_termination": "true"}, stopping=stopping)
    assert model(tmp_path).num_boosted_rounds() == 0


def test_checkpoints_go_to_their_folder_and_are_taken_up_again(tmp_path: Path) -> None:
    run(tmp_path, {"num_round": "2"}, checkpoint_dir=tmp_path / "checkpoints")
    log = run(tmp_path, {"num_round": "5"}, checkpoint_dir=tmp_path / "checkpoints")
    assert [line.split("\t")[0] for line in log.lines if line.startswith("[")] == ["[2]", "[3]", "[4]"]
    assert "Resuming from checkpoint xgboost-checkpoint.1: 2 rounds are done" in log.lines
    assert model(tmp_path).num_boosted_rounds() == 5


RANDOM_TREES = {"subsample": "0.5", "colsample_bytree": "0.8", "colsample_bylevel": "0.8", "seed": "5"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {**RANDOM_TREES, "colsample_bynode": "0.8", "num_parallel_tree": "2"},
        {**RANDOM_TREES, "booster": "dart", "rate_drop": "0.4"},
        {**RANDOM_TREES, "tree_method": "exact"},
        {**RANDOM_TREES, "updater": "grow_histmaker,prune", "objective": "binary:logistic"},
        {**RANDOM_TREES, "updater": "grow_colmaker"},
        {"tree_method": "approx", "colsample_bynode": "0.5"},
        {"tree_method": "approx", "subsample": "0.5", "objective": "binary:logistic"},
        {"objective": "multi:softprob", "num_class": "2", "subsample": "0.5"},
        {"objective": "count:poisson", "sampling_method": "gradient_based", "subsample": "0.5"},
        {"booster": "gblinear", "eta": "0.1"},
        {"booster": "gblinear", "updater": "coord_descent"},
        {
            **RANDOM_TREES,
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "early_stopping_rounds": "4",
            "eta": "1",
            "num_round": "40",
        },
    ],
    ids=lambda given: " ".join(given.values()) or "defaults",
)
@pytest.mark.parametrize("kill", [1, 5, 7])
def test_a_training_that_was_killed_ends_with_the_same_bytes(tmp_path: Path, given: dict[str, str], kill: int) -> None:
    given = {"num_round": "10", **given}
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    with pytest.raises(Killed):
        run(tmp_path / "killed", given, log=Fatal(kill), checkpoint_dir=tmp_path / "killed" / "checkpoints")
    for name in ("whole", "killed"):
        log = run(tmp_path / name, given, checkpoint_dir=tmp_path / name / "checkpoints")
    assert ("early_stopping_rounds" in given) == log.lines[-1].startswith("Stopping")
    whole, killed = ((tmp_path / name / "model" / "xgboost-model").read_bytes() for name in ("whole", "killed"))
    assert whole == killed


def test_a_training_killed_when_it_had_stopped_early_does_not_go_on(tmp_path: Path) -> None:
    given = {"objective": "binary:logistic", "eval_metric": "logloss", "early_stopping_rounds": "2", "eta": "1",
             "num_round": "50"}  # fmt: skip
    checkpoints = tmp_path / "checkpoints"
    log = run(tmp_path, given, checkpoint_dir=checkpoints)
    whole = (tmp_path / "model" / "xgboost-model").read_bytes()
    again = run(tmp_path, given, checkpoint_dir=checkpoints)
    assert (tmp_path / "model" / "xgboost-model").read_bytes() == whole
    assert not any(line.startswith("[") for line in again.lines) and again.lines[-1] == log.lines[-1]


def test_a_checkpoint_that_is_none_or_of_other_columns_is_refused(tmp_path: Path) -> None:
    run(tmp_path, {}, checkpoint_dir=tmp_path / "checkpoints")
    with pytest.raises(CustomerError, match=r"xgboost-checkpoint.3 is of a training on 4 columns and the data has 3"):
        run(tmp_path, {}, {"train": Table(FEATURES[:, :3], LABELS)}, checkpoint_dir=tmp_path / "checkpoints")
    (tmp_path / "checkpoints" / "xgboost-checkpoint.3").write_bytes(b"{")
    with pytest.raises(CustomerError, match=r"xgboost-checkpoint.3 cannot be read.*remove it"):
        run(tmp_path, {}, checkpoint_dir=tmp_path / "checkpoints")


@pytest.mark.parametrize("given", [{}, {"objective": "survival:aft"}, RANDOM_TREES, {"max_bin": "8"}], ids=str)
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_large_data_is_binned_part_by_part_into_the_same_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], sparse: bool
) -> None:
    features = scipy.sparse.csr_matrix(FEATURES * (abs(FEATURES) > 0.5)) if sparse else FEATURES
    weights = RANDOM.random(200).astype(np.float32)
    tables = {
        "train": Table(features[:150], LABELS[:150] + 1, weights=weights[:150]),
        "validation": Table(features[150:], LABELS[150:] + 1),
    }
    found = []
    for large in (1 << 40, 0):
        monkeypatch.setattr(matrices, "LARGE_BYTES", large)
        monkeypatch.setattr(data, "ROWS", 64)
        log = run(tmp_path, {"eval_metric": "rmse", **given}, dict(tables))
        found.append((log.lines, (tmp_path / "model" / "xgboost-model").read_bytes()))
    assert found[0] == found[1]


def test_ranking_weighs_whole_queries(tmp_path: Path) -> None:
    queries = np.repeat(np.arange(20), 10)
    weights = np.repeat(RANDOM.random(20), 10).astype(np.float32)
    table = Table(FEATURES, LABELS, weights=weights)
    table.block.groups = queries
    run(tmp_path, {"objective": "rank:ndcg"}, {"train": table})
    grouped = xgboost.DMatrix(FEATURES, LABELS, qid=queries, weight=weights[::10])
    theirs = xgboost.train({"objective": "rank:ndcg"}, grouped, 4)
    assert np.array_equal(model(tmp_path).predict(matrix()), theirs.predict(matrix()))
    weights[5] += 1
    with pytest.raises(CustomerError, match=r"Ranking weighs whole queries.* record 6"):
        run(tmp_path, {"objective": "rank:ndcg"}, {"train": table})


def test_libsvm_does_not_come_through_a_pipe(tmp_path: Path) -> None:
    piped = Table(scipy.sparse.csr_matrix(FEATURES), LABELS, "libsvm")
    piped.streamed = True
    with pytest.raises(CustomerError, match="read in File mode"):
        run(tmp_path, {}, {"train": piped})


@pytest.mark.parametrize(("rows", "labels"), [(1, [1]), (3, [1, 1, 1]), (4, [0, 1, 0, 1])])
def test_few_records_of_nothing_make_a_model(tmp_path: Path, rows: int, labels: list[int]) -> None:
    nothing = np.full((rows, 2), np.nan, np.float32)
    run(tmp_path, {"objective": "binary:logistic"}, {"train": Table(nothing, np.float32(labels))})
    guess = model(tmp_path).predict(xgboost.DMatrix(nothing))
    assert np.isfinite(guess).all() and len(set(guess.tolist())) == 1


def test_infinite_features_are_refused(tmp_path: Path) -> None:
    features = FEATURES.copy()
    features[7, 1] = np.inf
    with pytest.raises(CustomerError, match=r"(?i)inf"):
        run(tmp_path, {}, {"train": Table(features, LABELS)})


@pytest.mark.parametrize("objective", ["binary:logistic", "reg:squarederror", "multi:softprob"])
def test_cross_validation_leaves_a_model_per_fold_and_every_records_prediction(tmp_path: Path, objective: str) -> None:
    more = {"num_class": "2"} if objective.startswith("multi") else {}
    given = {"objective": objective, "_kfold": "3", "_num_cv_round": "2", "eval_metric": "rmse,mse", **more}
    if more:
        given["eval_metric"] = "merror,accuracy"
    log = run(tmp_path, given)
    assert len(load_folder(tmp_path / "model")) == 6
    assert (tmp_path / "model" / "xgboost-model-5").exists()
    table = np.loadtxt(tmp_path / "data" / "predictions.csv", delimiter=",")
    assert table.shape == (200, 2 if objective.startswith("reg") else 3)
    assert np.array_equal(table[:, 0], LABELS)
    predicted = table[:, -1] if table.shape[1] == 3 else table[:, 1] > 0.5
    assert (predicted == LABELS).mean() > 0.8
    names = [part.partition(":")[0] for part in log.lines[-1].split("\t")]
    wanted = given["eval_metric"].split(",")
    assert names == ["[4]", *(f"{data}-{name}" for data in ("train", "validation") for name in wanted)]


def test_cross_validation_of_sparse_data(tmp_path: Path) -> None:
    tables = {name: Table(scipy.sparse.csr_matrix(one.read().features), one.read().labels) for name, one in
              channels().items()}  # fmt: skip
    run(tmp_path, {"_kfold": "2"}, tables)
    assert len(list((tmp_path / "model").iterdir())) == 2


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    bodies = []
    for _ in range(2):
        run(tmp_path, {"subsample": "0.5", "seed": "3"})
        bodies.append((tmp_path / "model" / "xgboost-model").read_bytes())
    assert bodies[0] == bodies[1]


def test_the_artifact_names_the_objective_in_the_librarys_own_format(tmp_path: Path) -> None:
    run(tmp_path, {"objective": "binary:logistic"})
    config = json.loads(model(tmp_path).save_config())
    assert config["learner"]["objective"]["name"] == "binary:logistic"
