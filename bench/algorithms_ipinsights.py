"""IP Insights beside the same model in PyTorch and beside the longest prefix an account was seen with.

Data: simulated log-ins of 20,000 accounts, 510,000 in all, of which the last 30,000 are held out. Accounts belong to
100 communities (a region, an employer) that use 30 of 2,000 networks each; an account prefers some of its community's,
sits at one address of a network two times in five and anywhere in it otherwise, and travels one time in twelve. An
attack is an account, drawn as log-ins draw them, from a network drawn by its size and not by the account. Quality is
the area under the ROC curve of 30,000 held-out log-ins against 30,000 attacks.

The peer is what one writes in PyTorch: embeddings of entities and of hashed prefixes of 8, 16, 24 and 32 bits, a linear
layer, the same negatives, sparse Adam. All have 64 numbers in a vector, 5 random and 5 shuffled negatives, mini-batches
of 1,000, 5 epochs, one thread; ours and the peer alternately, medians of three seeds for the simulation and the model
(the peer's of one, because it takes minutes). `log_ins` and `area` serve docs/pictures/ipinsights.py too.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from lakemill.algorithms.ipinsights import IPInsights
from lakemill.algorithms.ipinsights.text import iter_csv

ACCOUNTS, EVENTS, HELD = 20_000, 510_000, 30_000
NETWORKS, COMMUNITIES, OWN = 2_000, 100, 30
SETTLED, TRAVELS, EVEN = 0.4, 0.08, 30
"""EVEN: the higher, the more alike are the accounts of a community."""
WIDTH, RANDOM, SHUFFLED, BATCH, EPOCHS, RATE = 64, 5, 5, 1000, 5, 0.01
ROWS = 2 * ACCOUNTS
LENGTHS = (8, 12, 16, 20, 24, 32)
SEEDS = (0, 1, 2)
TARGET_AREA, TARGET_S, TARGET_RATE = 0.88, 60.0, 1e6


class Pairs(NamedTuple):
    """Accounts (n,) int64 and addresses (n,) uint32."""

    account: np.ndarray
    address: np.ndarray


def log_ins(seed: int, events: int = EVENTS, accounts: int = ACCOUNTS) -> tuple[Pairs, Pairs, Pairs]:
    """Log-ins to learn from, log-ins held out, and attacks."""
    random = np.random.default_rng(seed)
    bits = random.integers(16, 25, NETWORKS)  # Of a network's prefix.
    first = np.sort(random.choice(220 << 8, NETWORKS, replace=False) + (1 << 8)).astype(np.int64) << 16
    first += random.integers(0, 1 << 16, NETWORKS) >> (32 - bits) << (32 - bits)
    size = random.permutation(1 / np.arange(1, NETWORKS + 1) ** 0.7)
    size /= size.sum()
    own = np.stack([random.choice(NETWORKS, OWN, replace=False, p=size) for _ in range(COMMUNITIES)])
    liked = np.sqrt(size[own])
    community = random.integers(0, COMMUNITIES, accounts)
    mix = random.standard_gamma(EVEN * (liked / liked.sum(axis=1, keepdims=True))[community]) + 1e-9
    mix = np.cumsum(mix / mix.sum(axis=1, keepdims=True), axis=1)
    busy = random.pareto(1.5, accounts) + 0.3
    busy /= busy.sum()
    home = random.random((accounts, OWN))

    def at(network: np.ndarray, place: np.ndarray) -> np.ndarray:
        return (first[network] + (place * (1 << (32 - bits[network]))).astype(np.int64)).astype(np.uint32)

    def usual(count: int) -> Pairs:
        who = random.choice(accounts, count, p=busy)
        choice = (random.random(count)[:, None] > mix[who]).sum(axis=1).clip(max=OWN - 1)
        away = random.random(count) < TRAVELS
        network = np.where(away, random.choice(NETWORKS, count, p=size), own[community[who], choice])
        settled = ~away & (random.random(count) < SETTLED)
        return Pairs(who, at(network, np.where(settled, home[who, choice], random.random(count))))

    train, held = usual(events - HELD), usual(HELD)
    victims = random.choice(accounts, HELD, p=busy)
    return train, held, Pairs(victims, at(random.choice(NETWORKS, HELD, p=size), random.random(HELD)))


def area(usual: np.ndarray, attacks: np.ndarray) -> float:
    """Under the ROC curve: the chance that a usual log-in scores above an attack."""
    ranks = rankdata(np.concatenate([usual, attacks]))
    return float((ranks[: len(usual)].sum() - len(usual) * (len(usual) + 1) / 2) / len(usual) / len(attacks))


def longest_seen(train: Pairs, asked: Pairs) -> np.ndarray:
    """The heuristic: bits of the longest prefix with which an account was seen, (n,)."""
    found = np.zeros(len(asked.account))
    for length in LENGTHS:
        keys = [pairs.account << 32 | pairs.address >> np.uint32(32 - length) for pairs in (train, asked)]
        found[np.isin(keys[1], keys[0])] = length
    return found


def table(pairs: Pairs) -> np.ndarray:
    return np.column_stack([pairs.account, pairs.address.astype(np.int64)])


def ours(train: Pairs, held: Pairs, attacks: Pairs, seed: int, **options: object) -> tuple[float, float]:
    """Area and CPU seconds."""
    settings = {"n_components": WIDTH, "random_negatives": RANDOM, "shuffled_negatives": SHUFFLED, "epochs": EPOCHS,
                "batch_size": BATCH, "learning_rate": RATE, **options}  # fmt: skip
    began = time.process_time()
    model = IPInsights(ROWS, random_state=seed, **settings).fit(table(train))
    seconds = time.process_time() - began
    return area(*(model.score_samples(table(pairs)) for pairs in (held, attacks))), seconds


def torch_reference(train: Pairs, held: Pairs, attacks: Pairs, seed: int) -> tuple[float, float]:
    """The same of the model in PyTorch."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    lengths, buckets = (8, 16, 24, 32), 1 << 17
    entities = torch.nn.Embedding(ROWS, WIDTH, sparse=True)
    prefixes = torch.nn.EmbeddingBag(len(lengths) * buckets, WIDTH, mode="sum", sparse=True)
    layer = torch.nn.Linear(WIDTH, WIDTH)
    for one in (entities, prefixes):
        torch.nn.init.normal_(one.weight, std=0.1)
    sparse = torch.optim.SparseAdam([*entities.parameters(), *prefixes.parameters()], lr=RATE)
    dense = torch.optim.Adam(layer.parameters(), lr=RATE)

    def scores(who: "torch.Tensor", address: "torch.Tensor") -> "torch.Tensor":
        keys = [(address >> (32 - n)) * 0x9E3779B1 % (1 << 32) % buckets + k * buckets for k, n in enumerate(lengths)]
        return (entities(who) * layer(prefixes(torch.stack(keys, 1)))).sum(1)

    began = time.process_time()
    who, address = (torch.from_numpy(one.astype(np.int64)) for one in train)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(who)).split(BATCH):
            a, x = who[batch], address[batch]
            drawn = torch.randint(0, 1 << 32, (RANDOM * len(x),))
            shuffled = [x[torch.randperm(len(x))] for _ in range(SHUFFLED)]
            found = scores(a.repeat(1 + RANDOM + SHUFFLED), torch.cat([x, drawn, *shuffled]))
            labels = torch.zeros(len(found))
            labels[: len(a)] = 1
            loss = torch.nn.functional.binary_cross_entropy_with_logits(found, labels)
            sparse.zero_grad(), dense.zero_grad()
            loss.backward()
            sparse.step(), dense.step()
    seconds = time.process_time() - began
    with torch.no_grad():
        found = [
            scores(*(torch.from_numpy(one.astype(np.int64)) for one in pairs)).numpy() for pairs in (held, attacks)
        ]
    return area(*found), seconds


def reading(train: Pairs) -> tuple[float, float]:
    """MB a CPU second of our reader and of pyarrow's, which makes text columns and no numbers."""
    import pyarrow.csv

    octets = [(train.address >> np.uint32(shift) & np.uint32(255)).tolist() for shift in (24, 16, 8, 0)]
    lines = zip(train.account.tolist(), *octets, strict=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.csv"
        path.write_text("".join("user_{},{}.{}.{}.{}\n".format(*line) for line in lines))
        rates: list[list[float]] = [[], []]
        options = pyarrow.csv.ReadOptions(use_threads=False, column_names=["entity", "address"])
        for _ in range(4):
            for place, read in enumerate(
                (lambda: list(iter_csv([path], ROWS)), lambda: pyarrow.csv.read_csv(path, options))
            ):
                began = time.process_time()
                read()
                rates[place].append(path.stat().st_size / 1e6 / (time.process_time() - began))
    return statistics.median(rates[0][1:]), statistics.median(rates[1][1:])


def row(
    name: str, own: float, peer: float | None, unit: str, note: str, target: str = "", met: bool | None = None
) -> dict:
    ratio = own / peer if peer else None
    return {"name": name, "ours": own, "peer": peer, "ratio": ratio, "unit": unit, "target": target, "met": met,
            "note": note}  # fmt: skip


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with threadpool_limits(1):
        ours(*log_ins(9, HELD + 5000, 500), seed=0, epochs=1)  # Compile.
        found, seen, peer = [], [], None
        for seed in SEEDS:
            data = log_ins(seed)
            found.append(ours(*data, seed=seed))
            peer = peer or torch_reference(*data, seed=seed)
            seen.append(area(*(longest_seen(data[0], pairs) for pairs in data[1:])))
        deep = ours(*data, seed=SEEDS[-1], n_layers=3)
        few = ours(*data, seed=SEEDS[-1], random_negatives=1, shuffled_negatives=1)
        quality, seconds = (statistics.median(column) for column in zip(*found, strict=True))
        assert peer is not None
        read = reading(data[0])
    events, torch = EPOCHS * (EVENTS - HELD), "peer: the same in PyTorch"
    aim = f">= {TARGET_AREA}", quality >= TARGET_AREA
    return [
        row("log-ins: area", quality, peer[0], "", torch, *aim),
        row("log-ins: time", seconds, peer[1], "CPU s", torch, f"<= {TARGET_S:g}", seconds <= TARGET_S),
        row("log-ins: area", quality, statistics.median(seen), "", "peer: bits of the longest prefix seen", *aim),
        row("log-ins: speed", events / seconds, events / peer[1], "events/CPU s", torch),
        row("3 layers: area", deep[0], peer[0], "", torch),
        row("1 random, 1 shuffled negative: area", few[0], peer[0], "", torch),
        row("lines read", *read, "MB/CPU s", "peer: pyarrow.csv, to text"),
    ]
