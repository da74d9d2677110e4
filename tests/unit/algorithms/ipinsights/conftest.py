"""Log-ins of users with networks of their own, and an IP Insights training without a container."""

from types import SimpleNamespace

import numpy as np
import pytest

from lakemill.algorithms.ipinsights.model import read
from lakemill.algorithms.ipinsights.spec import SPEC
from tests.unit.algorithms.trainings import ArrayDataset, run

USERS, NETWORKS = 60, 40


class Files(ArrayDataset):
    """A channel of CSV files."""

    content_type = "text/csv"

    def __init__(self, *files, **parameters):
        super().__init__(np.empty((0, 2), np.float32))
        self.files, self.parameters = list(files), parameters


def log_ins(count, seed):
    """Users (n,) and addresses (n,) uint32: each user has three networks of 24 bits out of NETWORKS."""
    random = np.random.default_rng(seed)
    own = np.random.default_rng(0).integers(0, NETWORKS, (USERS, 3))
    user = random.integers(0, USERS, count)
    network = own[user, random.integers(0, 3, count)]
    return user, (np.uint32(10 << 24) + (network.astype(np.uint32) << 8) + random.integers(1, 255, count, np.uint32))


def foreign(count, seed):
    """The same users at addresses of networks that are not theirs."""
    random = np.random.default_rng(seed)
    own = np.random.default_rng(0).integers(0, NETWORKS, (USERS, 3))
    user, network = random.integers(0, USERS, 2 * count), random.integers(0, NETWORKS, 2 * count)
    kept = np.flatnonzero(~(own[user] == network[:, None]).any(axis=1))[:count]
    address = (
        np.uint32(10 << 24) + (network[kept].astype(np.uint32) << 8) + random.integers(1, 255, len(kept), np.uint32)
    )
    return user[kept], address


def dotted(address):
    return ".".join(str(int(address) >> shift & 255) for shift in (24, 16, 8, 0))


def lines(users, addresses):
    return "".join(f"user_{one}, {dotted(two)}\n" for one, two in zip(users, addresses, strict=True)).encode()


def pairs(users, addresses):
    return [[f"user_{one}", dotted(two)] for one, two in zip(users, addresses, strict=True)]


@pytest.fixture
def run_training(tmp_path):
    """run_training(train=bytes or [bytes], validation=..., **hyperparameters) -> text, folder, model."""

    def training(train, validation=None, *, name="model", parameters=None, **options):
        channels = {}
        for channel, bodies in (("train", train), ("validation", validation)):
            if bodies is None:
                continue
            files = []
            for number, body in enumerate([bodies] if isinstance(bodies, bytes) else bodies):
                files.append(tmp_path / f"{name}-{channel}-{number}.csv")
                files[-1].write_bytes(body)
            channels[channel] = Files(*files, **(parameters or {}))
        given = {"num_entity_vectors": 200, "vector_dim": 16, "mini_batch_size": 200, "learning_rate": 0.02,
                 "epochs": 5, **options}  # fmt: skip
        done = run(SPEC, tmp_path / name, channels, **given)
        there = done.model.exists()
        return SimpleNamespace(text=done.text, path=done.model, model=read(done.model) if there else None)

    return training
