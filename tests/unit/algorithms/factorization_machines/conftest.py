"""Ratings that need pairs, as sparse records, and trainings on them."""

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.factorization_machines import artifact
from lakemill.algorithms.factorization_machines.spec import SPEC
from tests.unit.algorithms import trainings

USERS, ITEMS = 60, 40


@pytest.fixture(scope="session")
def ratings():
    """(features, ratings, likes): one-hot user and item; the rating hangs on how two hidden tastes of both agree."""
    random = np.random.default_rng(7)
    user, item = random.integers(0, USERS, 6000), random.integers(0, ITEMS, 6000)
    tastes, kinds = random.normal(size=(USERS, 2)), random.normal(size=(ITEMS, 2))
    level = 3 + 0.3 * random.normal(size=ITEMS)[item] + (tastes[user] * kinds[item]).sum(axis=1)
    score = (level + 0.3 * random.normal(size=6000)).astype(np.float32)
    columns = np.column_stack([user, USERS + item]).ravel()
    ones = np.ones(12000, np.float32)
    features = sp.csr_matrix((ones, columns, np.arange(0, 12001, 2)), (6000, USERS + ITEMS))
    return features, score, (score > 3).astype(np.float32)


@pytest.fixture
def run_training(tmp_path):
    """run_training({"train": (features, labels)}, **hyperparameters) -> (.text, .model, .machine)."""
    count = 0

    def run(channels, collective=None, **options):
        nonlocal count
        count += 1
        made = {name: one if hasattr(one, "blocks") else trainings.ArrayDataset(*one) for name, one in channels.items()}
        own = {name: options.pop(name) for name in ("checkpoints", "stopping") if name in options}
        given = {"num_factors": 4, "predictor_type": "regressor", **options}
        given.setdefault("feature_dim", trainings.width(made["train"]))
        folder = tmp_path / f"{count}-{collective.rank if collective else 0}"
        done = trainings.run(SPEC, folder, made, collective=collective, **own, **given)
        if done.model.exists():
            done.machine = artifact.load(done.model)
        return done

    return run
