"""LDA beside scikit-learn's variational LDA, gensim's and tomotopy's Gibbs sampling, on the same documents.

Quality, by one and the same code for all topics: the perplexity of half the words of held-out documents, given the
other half (mixtures by 60 MAP steps with alpha 0.1), lower is better; NPMI, how often a topic's ten first words occur
together in training documents beyond chance, higher is better; and diversity, the share of different words among the
topics' 25 first. All run alternately with one thread; figures are medians of three runs with seeds 0, 1, 2. gensim and
tomotopy run in a process of their own, which measures its fit only.

Data: the folders movie-reviews (2,000 long reviews) and wordnet-glosses (definitions of seven words on average) of
LAKEMILL_BENCH_DATA; what is absent is left out.
"""

import lzma
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.feature_extraction.text import CountVectorizer
from threadpoolctl import threadpool_limits

from lakemill.algorithms.lda import LDA

DATA = Path(os.environ.get("LAKEMILL_BENCH_DATA", "absent"))
PEERS = Path(__file__).parent.parent / ".venvs" / "peers" / "bin" / "python"
SEEDS = (0, 1, 2)
TARGETS = {"perplexity": 2470 * 1.01, "NPMI": 0.065, "time": 5.0}
"""Of the movie reviews."""
PEER = """
import sys, time
import numpy as np, scipy.sparse as sp
name, folder, topics, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
counts = sp.load_npz(f"{folder}/train.npz")
rows = [counts[place] for place in range(counts.shape[0])]
if name == "gensim":
    from gensim.models import LdaModel
    corpus = [list(zip(row.indices.tolist(), row.data.tolist())) for row in rows]
    words = {place: str(place) for place in range(counts.shape[1])}
    began = time.process_time()
    model = LdaModel(corpus, topics, id2word=words, passes=10, random_state=seed)
    seconds, beta = time.process_time() - began, model.get_topics()
else:
    import tomotopy
    model = tomotopy.LDAModel(k=topics, seed=seed)
    for row in rows:
        model.add_doc(np.repeat(row.indices, row.data.astype(int)).astype(str).tolist())
    began = time.process_time()
    model.train(500, workers=1)
    seconds, beta = time.process_time() - began, np.full((topics, counts.shape[1]), 1e-9)
    beta[:, [int(word) for word in model.used_vocabs]] = [model.get_topic_word_dist(k) for k in range(topics)]
np.save(f"{folder}/beta.npy", beta)
print(seconds)
"""


class Corpus(NamedTuple):
    """Counts of training and test documents, csr_matrix of float32, and the words."""

    train: Any
    test: Any
    words: np.ndarray


class Measured(NamedTuple):
    perplexity: float
    npmi: float
    diversity: float
    seconds: float


Fit = Callable[[int], tuple[np.ndarray, float]]
"""seed -> topics (K, V) and CPU seconds."""


def corpus(file: Path, documents: int, rarest: int, shortest: int, held_out: int) -> Corpus:
    """The last column of a file as counts of its words of three letters and more that are no stop words."""
    lines = lzma.decompress(file.read_bytes()).decode().splitlines()[:documents]
    texts = [line.split("\t")[-1] for line in lines]
    maker = CountVectorizer(
        token_pattern="[a-z]{3,}", stop_words="english", min_df=rarest, max_df=0.4, max_features=5000
    )
    counts = maker.fit_transform(texts).astype(np.float32).tocsr()
    counts = counts[np.asarray(counts.sum(axis=1)).ravel() >= shortest]
    order = np.random.RandomState(0).permutation(counts.shape[0])
    return Corpus(counts[order[:-held_out]], counts[order[-held_out:]], maker.get_feature_names_out())


def reviews() -> Corpus:
    return corpus(DATA / "movie-reviews" / "movie_reviews.tsv.xz", 2000, 20, 0, 400)


def glosses() -> Corpus:
    return corpus(next((DATA / "wordnet-glosses").glob("*.xz")), 30_000, 10, 4, 1500)


class Judge:
    """Measures topics, (K, V), on a corpus."""

    def __init__(self, of: Corpus) -> None:
        self._given, self._asked = halves(of.test)
        self._occurs = (of.train > 0).astype(np.float32).tocsc()

    def __call__(self, beta: np.ndarray, seconds: float) -> Measured:
        beta = np.maximum(beta, 1e-12)
        beta /= beta.sum(axis=1, keepdims=True)
        npmi = float(np.mean([self._npmi(topic) for topic in beta]))
        first = np.argsort(-beta, axis=1)[:, :25]
        return Measured(self._perplexity(beta), npmi, len(set(first.ravel())) / first.size, seconds)

    def _perplexity(self, beta: np.ndarray) -> float:
        theta = np.full((len(self._given), len(beta)), 1 / len(beta))
        for _ in range(60):
            theta = theta * ((self._given / (theta @ beta)) @ beta.T) + 0.1
            theta /= theta.sum(axis=1, keepdims=True)
        return float(np.exp(-(self._asked * np.log(theta @ beta)).sum() / self._asked.sum()))

    def _npmi(self, topic: np.ndarray) -> float:
        occurs = self._occurs[:, np.argsort(-topic)[:10]].toarray()
        together = occurs.T @ occurs / len(occurs)
        alone = np.diag(together)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.log(together / np.outer(alone, alone)) / -np.log(together)
        return float(np.where(together > 0, found, -1)[np.triu_indices(len(alone), 1)].mean())


def halves(documents: Any) -> tuple[np.ndarray, np.ndarray]:
    """Each document's words, shuffled and cut in two: (n, V) counts twice."""
    random = np.random.RandomState(0)
    parts = np.zeros((2, *documents.shape), np.float32)
    for place, row in enumerate(documents):
        tokens = np.repeat(row.indices, row.data.astype(int))
        random.shuffle(tokens)
        for part, some in zip(parts, np.array_split(tokens, 2), strict=True):
            np.add.at(part[place], some, 1)
    return parts[0], parts[1]


def contenders(of: Corpus, topics: int, peers: list[str], folder: str) -> dict[str, Fit]:
    def timed(make: Callable[[int], Any]) -> Fit:
        def fit(seed: int) -> tuple[np.ndarray, float]:
            began = time.process_time()
            model = make(seed).fit(of.train)
            return model.components_, time.process_time() - began

        return fit

    def apart(name: str) -> Fit:
        def fit(seed: int) -> tuple[np.ndarray, float]:
            command = [str(PEERS), "-c", PEER, name, folder, str(topics), str(seed)]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            return np.load(f"{folder}/beta.npy"), float(answer.stdout)

        return fit

    sp.save_npz(f"{folder}/train.npz", of.train, compressed=False)
    made = {
        "ours": timed(lambda seed: LDA(topics, random_state=seed)),
        "scikit-learn": timed(lambda seed: LatentDirichletAllocation(topics, max_iter=20, random_state=seed)),
    }
    if PEERS.exists():
        return made | {name: apart(name) for name in peers}
    print(f"left out: {', '.join(peers)}, which are not in .venvs/peers (make bench-algorithms)")
    return made


def measured(of: Corpus, topics: int, peers: list[str]) -> dict[str, Measured]:
    """Name -> medians; all run alternately."""
    judge, runs = Judge(of), {}
    LDA(2, max_iter=1, max_restarts=1).fit(of.train[:99])  # Loads the compiled loops.
    with tempfile.TemporaryDirectory() as folder:
        fits = contenders(of, topics, peers, folder)
        for seed in SEEDS:
            for name, fit in fits.items():
                runs.setdefault(name, []).append(judge(*fit(seed)))
    medians = {name: Measured(*map(statistics.median, zip(*found, strict=True))) for name, found in runs.items()}
    for name, figures in medians.items():
        print(f"{name}, {topics} topics: {figures}")
    return medians


def rows(what: str, found: dict[str, Measured], targets: dict[str, float]) -> list[dict]:
    made = []
    for peer, theirs in found.items():
        for name, ours, other, unit in (
            ("perplexity", found["ours"].perplexity, theirs.perplexity, ""),
            ("NPMI", found["ours"].npmi, theirs.npmi, ""),
            ("time", found["ours"].seconds, theirs.seconds, "CPU s"),
        ):
            target = targets.get(name)
            met = None if target is None else bool(ours >= target if name == "NPMI" else ours <= target)
            sign = ">=" if name == "NPMI" else "<="
            if peer != "ours":
                made.append({"name": f"{what}: {name}", "ours": ours, "peer": other, "ratio": ours / other,
                             "unit": unit, "target": "" if target is None else f"{sign} {target:g}", "met": met,
                             "note": f"peer {peer}"})  # fmt: skip
    return made


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    os.environ["OMP_NUM_THREADS"] = "1"
    found = []
    with threadpool_limits(1):
        for name, read, topics, peers, targets in (
            ("movie-reviews", reviews, 20, ["gensim", "tomotopy"], TARGETS),
            ("wordnet-glosses", glosses, 40, ["tomotopy"], {}),
        ):
            if (DATA / name).is_dir():
                found += rows(f"{name}, {topics} topics", measured(read(), topics, peers), targets)
            else:
                print(f"left out: {DATA / name} is absent")
    return found
