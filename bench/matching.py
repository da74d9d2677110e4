"""FindMatches beside recordlinkage, splink, and boosted trees of scikit-learn behind tf-idf blocking.

FEBRL4: 5,000 made-up persons and a spoiled copy of each, no labels. recordlinkage (block by five columns, compare
eight, ECM) and splink (the same blocks, eight comparisons, EM, DuckDB with one thread) are told which file a record is
from and what to compare how; ours gets one table of 10,000 records and nothing else. Quality: F1 over all pairs.

Cora: 1,879 citations of 182 papers. The peer takes pairs with a cosine of three-letter grams above 0.35 for candidates,
and learns from the cosines of the fields of a tenth of them; ours gets the same labelled pairs. Quality: F1 over all
pairs of records but the labelled ones. Three seeds draw that tenth.

Seconds of CPU, one thread, all in turn, medians of three. recordlinkage and splink run in a process of their own, which
measures its work only, not its imports.

Data: the folders febrl and cora of LAKEMILL_BENCH_DATA; what is absent is left out.
"""

import io
import lzma
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from lakemill.matching import FindMatches, Labels

DATA = Path(os.environ.get("LAKEMILL_BENCH_DATA", "absent"))
PEERS = Path(__file__).parent.parent / ".venvs" / "peers" / "bin" / "python"
SEEDS = (0, 1, 2)
FEBRL_F1, CORA_F1 = 0.9995, 0.967 - 0.005
DIALS = (0.0, 0.25, 0.5, 0.75, 1.0)
PEER = """
import io, lzma, sys, time
import pandas as pd
name, folder = sys.argv[1:]

def people(part):
    text = lzma.open(f"{folder}/dataset4{part}.csv.xz", "rt").read()
    frame = pd.read_csv(io.StringIO(text), dtype=str, skipinitialspace=True)
    return frame.rename(columns=str.strip).apply(lambda column: column.str.strip())

a, b = people("a"), people("b")
blocks = ["given_name", "surname", "date_of_birth", "soc_sec_id", "postcode"]
if name == "recordlinkage":
    import recordlinkage
    a, b = a.set_index("rec_id"), b.set_index("rec_id")
    began = time.process_time()
    index, compare = recordlinkage.Index(), recordlinkage.Compare()
    for column in blocks:
        index.block(column)
    for column in ("given_name", "surname", "address_1"):
        compare.string(column, column, method="jarowinkler", threshold=0.85, label=column)
    for column in ("date_of_birth", "soc_sec_id", "postcode", "suburb", "state"):
        compare.exact(column, column, label=column)
    links = recordlinkage.ECMClassifier().fit_predict(compare.compute(index.index(a, b), a, b))
    seconds, pairs = time.process_time() - began, [(one, other) for one, other in links]
else:
    import duckdb
    import splink.comparison_library as library
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI
    began = time.process_time()
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    settings = SettingsCreator(
        link_type="link_only", unique_id_column_name="rec_id",
        blocking_rules_to_generate_predictions=[block_on(column) for column in blocks],
        comparisons=[library.JaroWinklerAtThresholds(column, [0.9, 0.7]) for column in ("given_name", "surname")]
        + [library.LevenshteinAtThresholds(column, [1, 2]) for column in ("date_of_birth", "soc_sec_id")]
        + [library.ExactMatch(column) for column in ("postcode", "street_number")]
        + [library.JaroWinklerAtThresholds(column, [0.9]) for column in ("address_1", "suburb")])
    api = DuckDBAPI(connection)
    linker = Linker([api.register(a), api.register(b)], settings, log_level=None)
    train = linker.training
    sure = [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")]
    train.estimate_probability_two_random_records_match(sure, recall=0.9)
    train.estimate_u_using_random_sampling(max_pairs=2e5, seed=1)
    for column in ("date_of_birth", "postcode"):
        train.estimate_parameters_using_expectation_maximisation(block_on(column))
    found = linker.inference.predict(threshold_match_probability=0.5).as_pandas_dataframe()
    seconds, pairs = time.process_time() - began, list(zip(found.rec_id_l, found.rec_id_r))
right = sum(one.split("-")[1] == other.split("-")[1] for one, other in pairs)
print(2 * right / (len(pairs) + 5000), seconds)
"""


class Found(NamedTuple):
    f1: float
    seconds: float


class Cora(NamedTuple):
    """Records, the cluster of each (n,), and for each seed rows of labelled pairs (2, P)."""

    table: pd.DataFrame
    clusters: np.ndarray
    labelled: list[np.ndarray]


def persons() -> tuple[pd.DataFrame, np.ndarray]:
    """FEBRL4 as one table, and the person of each record."""
    parts = []
    for part in "ab":
        text = lzma.decompress((DATA / "febrl" / f"dataset4{part}.csv.xz").read_bytes()).decode()
        frame = pd.read_csv(io.StringIO(text), dtype=str, skipinitialspace=True).rename(columns=str.strip)
        parts.append(frame.apply(lambda column: column.str.strip()))
    table = pd.concat(parts, ignore_index=True)
    return table, table["rec_id"].str.split("-").str[1].astype(int).to_numpy()


def citations() -> Cora:
    table = pd.read_csv(DATA / "cora" / "cora.csv", dtype=str)
    clusters = pd.read_csv(DATA / "cora" / "clusters.csv")["cluster"].to_numpy()
    left, right = near_pairs(table)
    labelled = []
    for seed in SEEDS:
        some = np.random.default_rng(seed).choice(len(left), len(left) // 10, replace=False)
        labelled.append(np.stack([left[some], right[some]]))
    return Cora(table, clusters, labelled)


def texts(table: pd.DataFrame, column: str | None = None) -> Any:
    """tf-idf of three-letter grams, (n, grams): of a column, or of all."""
    chosen = table.drop(columns="id").fillna("").agg(" ".join, axis=1) if column is None else table[column].fillna("")
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), dtype=np.float32).fit_transform(chosen)


def near_pairs(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    grams = texts(table)
    near = (grams @ grams.T).tocoo()
    kept = (near.row < near.col) & (near.data > 0.35)
    return near.row[kept], near.col[kept]


def boosted(of: Cora, number: int) -> tuple[np.ndarray, float]:
    """The peer: a matrix (n, n) that says which pairs match, and CPU seconds."""
    began = time.process_time()
    left, right = near_pairs(of.table)
    measures = np.empty((len(left), of.table.shape[1] - 1), np.float32)
    for place, column in enumerate(of.table.columns[1:]):
        grams = texts(of.table, column)
        measures[:, place] = np.asarray(grams[left].multiply(grams[right]).sum(axis=1)).ravel()
        missing = of.table[column].isna().to_numpy()
        measures[missing[left] | missing[right], place] = np.nan
    n, (a, b) = len(of.table), of.labelled[number]
    learned = np.isin(left.astype(np.int64) * n + right, a.astype(np.int64) * n + b)
    match = of.clusters[left[learned]] == of.clusters[right[learned]]
    model = HistGradientBoostingClassifier(random_state=0).fit(measures[learned], match)
    said = model.predict(measures)
    found = np.zeros((n, n), bool)
    found[left[said], right[said]] = True
    return found, time.process_time() - began


def ours(of: Cora, number: int) -> tuple[np.ndarray, float]:
    keys, (a, b) = of.table["id"].to_numpy(), of.labelled[number]
    labels = Labels.of_pairs(keys[a], keys[b], of.clusters[a] == of.clusters[b])
    began = time.process_time()
    ids = FindMatches("id").fit_predict(of.table, labels)
    return ids[:, None] == ids, time.process_time() - began


def judged(of: Cora, number: int, found: np.ndarray) -> float:
    """F1 over all pairs but the labelled ones; found: (n, n)."""
    asked = np.triu(np.ones_like(found), 1)
    asked[tuple(of.labelled[number])] = False
    truth = of.clusters[:, None] == of.clusters
    return float(2 * (found & truth)[asked].sum() / (found[asked].sum() + truth[asked].sum()))


def apart(name: str) -> Found:
    command = [str(PEERS), "-W", "ignore", "-c", PEER, name, str(DATA / "febrl")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return Found(*map(float, answer.stdout.splitlines()[-1].split()))


def linked(table: pd.DataFrame, truth: np.ndarray) -> Found:
    began = time.process_time()
    ids = FindMatches("rec_id").fit_predict(table)
    seconds = time.process_time() - began
    return Found(pair_f1(ids, truth)[2], seconds)


def pair_f1(ids: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """Precision, recall and F1 over all pairs of records."""

    def pairs(labels: np.ndarray) -> float:
        sizes = np.unique(labels, return_counts=True)[1].astype(float)
        return float((sizes * (sizes - 1) / 2).sum())

    both = pairs(ids * (len(truth) + 1) + truth)
    precision, recall = both / max(1.0, pairs(ids)), both / pairs(truth)
    return precision, recall, 2 * precision * recall / max(1e-12, precision + recall)


def febrl() -> dict[str, list[Found]]:
    table, truth = persons()
    runs: dict[str, Callable[[], Found]] = {"ours": lambda: linked(table, truth)}
    if PEERS.exists():
        runs |= {"recordlinkage": lambda: apart("recordlinkage"), "splink": lambda: apart("splink")}
    else:
        print("left out: recordlinkage and splink, which are not in .venvs/peers (make .venvs/peers/.installed)")
    runs["ours"]()  # Loads the compiled loops.
    found: dict[str, list[Found]] = {name: [] for name in runs}
    for _ in SEEDS:
        for name, run in runs.items():
            found[name].append(run())
    return found


def cora() -> tuple[dict[str, list[Found]], list[tuple[float, float, float]]]:
    """What each finds, and precision, recall and F1 of ours at each of DIALS."""
    of = citations()
    found: dict[str, list[Found]] = {"ours": [], "scikit-learn": []}
    ours(of, 0)
    for number in range(len(SEEDS)):
        for name, run in (("ours", ours), ("scikit-learn", boosted)):
            matrix, seconds = run(of, number)
            found[name].append(Found(judged(of, number, matrix), seconds))
    keys, (a, b) = of.table["id"].to_numpy(), of.labelled[0]
    labels = Labels.of_pairs(keys[a], keys[b], of.clusters[a] == of.clusters[b])
    matcher = FindMatches("id").fit(of.table, labels)
    dial = [pair_f1(matcher.set_params(precision_recall_tradeoff=at).predict(of.table), of.clusters) for at in DIALS]
    return found, dial


def rows(what: str, found: dict[str, list[Found]], least: float) -> list[dict]:
    medians = {name: Found(*map(statistics.median, zip(*runs, strict=True))) for name, runs in found.items()}
    mine, made = medians["ours"], []
    for peer, theirs in medians.items():
        print(f"{what}, {peer}: {theirs}")
        if peer != "ours":
            ratio, times = mine.f1 / theirs.f1, mine.seconds / theirs.seconds
            made.append({"name": f"{what}: F1", "ours": mine.f1, "peer": theirs.f1, "ratio": ratio, "unit": "",
                         "target": f">= {least:g}", "met": mine.f1 >= least, "note": f"peer {peer}"})  # fmt: skip
            made.append({"name": f"{what}: time", "ours": mine.seconds, "peer": theirs.seconds, "ratio": times,
                         "unit": "CPU s", "target": "<= 1.0x", "met": times <= 1, "note": f"peer {peer}"})  # fmt: skip
    return made


def dial_rows(dial: list[tuple[float, float, float]]) -> list[dict]:
    """Precision must rise, and recall fall, from one end of the dial to the other."""
    first, last = dial[0], dial[-1]
    made = []
    for place, name in enumerate(("precision", "recall")):
        met = last[0] > first[0] if name == "precision" else last[1] < first[1]
        notes = ", ".join(f"{at:g}: {found[place]:.4f}" for at, found in zip(DIALS, dial, strict=True))
        made.append({"name": f"Cora: {name}, dial at 0 and at 1", "ours": last[place], "peer": first[place],
                     "ratio": last[place] / first[place], "unit": "", "target": "a working dial", "met": met,
                     "note": f"no peer: ours at 1 against ours at 0; {notes}"})  # fmt: skip
    return made


def run() -> list[dict]:
    """The rows of docs/benchmarks.md."""
    os.environ["OMP_NUM_THREADS"] = "1"
    found = []
    with threadpool_limits(1):
        if (DATA / "febrl").is_dir():
            found += rows("FEBRL4, 10,000 persons, no labels", febrl(), FEBRL_F1)
        else:
            print(f"left out: {DATA / 'febrl'} is absent")
        if (DATA / "cora").is_dir():
            pairs, dial = cora()
            found += rows("Cora, 1,879 citations, a tenth of the pairs labelled", pairs, CORA_F1) + dial_rows(dial)
        else:
            print(f"left out: {DATA / 'cora'} is absent")
    return found
