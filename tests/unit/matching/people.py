"""Made-up people, with duplicates that have typing errors, missing values and swapped names, under a seed."""

import numpy as np
import pyarrow as pa

SYLLABLES = [first + second for first in "bdfgjklmnprstv" for second in "aio"]
STREETS = ["street", "road", "lane", "avenue", "place", "circuit"]


def words(random: np.random.Generator, count: int, syllables: int) -> list[str]:
    return ["".join(random.choice(SYLLABLES, syllables)) for _ in range(count)]


def people(count: int, duplicates: int, seed: int = 0, errors: int = 2) -> tuple[pa.Table, np.ndarray]:
    """A table of count + duplicates records in random order, and the entity of each, (n,)."""
    random = np.random.default_rng(seed)
    first, last, towns = words(random, 60, 2), words(random, 200, 3), words(random, 40, 3)
    records = []
    for _ in range(count):
        street = f"{random.integers(1, 200)} {random.choice(last)} {random.choice(STREETS)}"
        born = f"{random.integers(1930, 2005)}-{random.integers(1, 13):02}-{random.integers(1, 29):02}"
        person = [random.choice(first), random.choice(last), street, random.choice(towns), born]
        records.append([*person, f"{random.integers(10**6, 10**7)}", float(random.integers(150, 200))])
    entities = [*range(count), *random.integers(0, count, duplicates)]
    records += [spoiled(records[of], random, errors) for of in entities[count:]]
    order = random.permutation(len(records))
    columns = zip(*(records[at] for at in order), strict=True)
    names = ["first", "last", "street", "town", "born", "number", "height"]
    table = pa.table({name: pa.array([None if v is None else v if isinstance(v, float) else str(v) for v in column])
                      for name, column in zip(names, columns, strict=True)})  # fmt: skip
    keys = [f"r{at}" for at in range(len(records))]
    return table.add_column(0, "id", pa.array(keys)), np.array(entities)[order]


def spoiled(record: list, random: np.random.Generator, errors: int) -> list:
    made = list(record)
    for place in random.choice(6, errors, replace=False).tolist():
        text = str(made[place])
        at = int(random.integers(0, len(text) - 1))
        kind = random.integers(0, 4)
        if kind == 0:
            made[place] = None
        elif kind == 1:
            made[place] = text[:at] + text[at + 1 :]
        elif kind == 2:
            made[place] = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        else:
            made[place] = text[:at] + "x" + text[at + 1 :]
    return made


def pair_f1(ids: np.ndarray, entities: np.ndarray) -> tuple[float, float, float]:
    """Precision, recall and F1 over all pairs of records."""

    def pairs(labels: np.ndarray) -> float:
        sizes = np.unique(labels, return_counts=True)[1].astype(float)
        return float((sizes * (sizes - 1) / 2).sum())

    both = pairs(np.asarray(ids) * (len(entities) + 1) + entities)
    precision, recall = both / max(1.0, pairs(ids)), both / pairs(entities)
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def labelled(sets: pa.Table, table: pa.Table, entities: np.ndarray) -> pa.Table:
    """Labeling sets as somebody who knows the entities fills them in."""
    of = dict(zip(table["id"].to_pylist(), entities.tolist(), strict=True))
    return sets.set_column(1, "label", pa.array([str(of[key]) for key in sets["id"].to_pylist()]))
