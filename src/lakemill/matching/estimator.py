"""FindMatches: finds the records of a table that mean the same thing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lakemill.matching import artifact, clustering, evaluation, linking, proposals
from lakemill.matching.candidates import Effort, unique
from lakemill.matching.columns import Kind
from lakemill.matching.comparisons import Compared
from lakemill.matching.errors import LabelError, MatchingError, NotFittedError
from lakemill.matching.evaluation import Metrics
from lakemill.matching.fellegi_sunter import FellegiSunter
from lakemill.matching.labels import LABEL, ROWS_MAX, ROWS_MIN, SET, Labels
from lakemill.matching.matcher import Matcher
from lakemill.matching.model import Model, Seen, features, nothing_seen
from lakemill.matching.records import BLOCK, Progress, Records
from lakemill.matching.records import stacked as stacked_pairs
from lakemill.matching.tables import as_table, compared_columns, places_of, stacked, with_rows

QUERIES_MAX = 50_000
"""Records of a table whose candidates are looked at to fit; each is compared with the whole table."""
OTHERS = 20_000
"""Random pairs that stand for all that are no candidates."""
MATCH_ID, CONFIDENCE = "match_id", "match_confidence_score"


class FindMatches:
    """Finds entities among records without a common key, from a few labels or none.

    Parameters
    ----------
    primary_key : str
        The column that names a record; it is not compared.
    precision_recall_tradeoff : float in [0, 1], default 0.5
        Towards 1 fewer false matches, towards 0 fewer missed ones. At 0.5 both are equally bad; a step of 0.1 changes
        by a factor of 3.3 how many missed matches a false one is worth.
    accuracy_cost_tradeoff : float in [0, 1], default 0.5
        Towards 1 more pairs are compared, for more time.
    enforce_provided_labels : bool, default False
        Whether labelled records are together or apart as their labels say, whatever is found.
    column_kinds : dict of str, optional
        What columns hold ("name", "text", "code", "date", "number"), where that should not be guessed; None for a
        column that is not to be compared.
    random_state : int, default 0

    Attributes
    ----------
    model_ : Model
        After `fit`.

    Notes
    -----
    Time is about linear in records: each is compared with at most some hundred others. How: docs/matching.md.

    Examples
    --------
    >>> people = {"id": [1, 2, 3, 4], "name": ["Ann Lee", "Bob Stone", "Ann  Lee", "Cy Young"],
    ...           "born": ["1980-02-01", "1991-05-06", "1980-02-01", "1975-11-30"]}
    >>> FindMatches("id").fit(people).predict(people).tolist()
    [0, 1, 0, 2]
    """

    def __init__(
        self,
        primary_key: str,
        *,
        precision_recall_tradeoff: float = 0.5,
        accuracy_cost_tradeoff: float = 0.5,
        enforce_provided_labels: bool = False,
        column_kinds: Mapping[str, Kind | None] | None = None,
        random_state: int = 0,
    ) -> None:
        self.primary_key = primary_key
        self.precision_recall_tradeoff = precision_recall_tradeoff
        self.accuracy_cost_tradeoff = accuracy_cost_tradeoff
        self.enforce_provided_labels = enforce_provided_labels
        self.column_kinds = column_kinds
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters, as scikit-learn asks for them."""
        return {name: getattr(self, name) for name in PARAMETERS}

    def set_params(self, **parameters: Any) -> "FindMatches":
        """Change parameters; the dials may be turned after `fit`."""
        for name, value in parameters.items():
            if name not in PARAMETERS:
                raise MatchingError(f"FindMatches has no parameter {name}; it has {', '.join(PARAMETERS)}")
            setattr(self, name, value)
        return self

    def fit(self, table: Any, labels: Any = None, progress: Progress | None = None) -> "FindMatches":
        """Learn from a table and, if there are any, from labels.

        Parameters
        ----------
        table : Arrow table, DataFrame or dict of columns
        labels : Labels, or a table with the columns labeling_set_id and label, optional
            Records that the table lacks are taken from the labels' own rows.
        progress : callable of (str, float), optional
            Called with what is being done and how much of it is, from 0 to 1.

        Raises
        ------
        MatchingError
            If the table has no such primary key, or no column beside it, or fewer than two records; LabelError if
            labels name records that are nowhere, or hold no pair.
        """
        self._fit(as_table(table), labels, progress)
        return self

    def fit_predict(self, table: Any, labels: Any = None, progress: Progress | None = None) -> np.ndarray:
        """`fit` and `predict` in one, for little more than the time of the former."""
        rows = as_table(table)
        records, left, right, compared = self._fit(rows, labels, progress)
        if compared is None:
            return self.predict(rows, progress)
        probability = self.model_.probability(compared)
        return self._entities(records, left, right, probability, progress)[0][: rows.num_rows]

    def predict(self, table: Any, progress: Progress | None = None) -> np.ndarray:
        """The match id of every record, (n,) int64: equal for records that mean the same thing.

        Ids are numbered from 0 by their first records. The table needs the columns that were there at `fit`.
        """
        return self._predicted(as_table(table), progress)[0]

    def transform(self, table: Any, progress: Progress | None = None) -> pa.Table:
        """The table with the columns match_id and match_confidence_score.

        The latter, in [0, 1]: the mean probability that a record matches the others of its entity; of a record alone,
        that it matches none.
        """
        rows = as_table(table)
        ids, confidence = self._predicted(rows, progress)
        kept = rows.drop_columns([name for name in (MATCH_ID, CONFIDENCE) if name in rows.column_names])
        return kept.append_column(MATCH_ID, pa.array(ids)).append_column(CONFIDENCE, pa.array(confidence))

    def link(
        self, existing: Any, incremental: Any, existing_ids: Any = None, progress: Progress | None = None
    ) -> np.ndarray:
        """The match id of every incremental record, (m,) int64, beside records whose ids are known and stay.

        existing_ids: (n,) whole numbers; None: the existing table's column match_id or, if there is none, every
        existing record is an entity of its own, numbered from 0. New entities get ids above the known ones.
        """
        return self._linked(existing, incremental, existing_ids, progress)[0]

    def link_scored(
        self, existing: Any, incremental: Any, existing_ids: Any = None, progress: Progress | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """`link`, and how sure each incremental record's place is, as `transform` has it, (m,) float64."""
        return self._linked(existing, incremental, existing_ids, progress)

    def _linked(
        self, existing: Any, incremental: Any, existing_ids: Any, progress: Progress | None
    ) -> tuple[np.ndarray, np.ndarray]:
        model, old, new = self._fitted(), as_table(existing), as_table(incremental)
        if existing_ids is None:
            known = old.column(MATCH_ID).to_numpy() if MATCH_ID in old.column_names else np.arange(old.num_rows)
        else:
            known = np.asarray(existing_ids)
        if known.shape != (old.num_rows,) or not np.issubdtype(known.dtype, np.integer):
            raise MatchingError(f"existing_ids must be {old.num_rows} whole numbers; got {known.dtype} {known.shape}")
        names = [self.primary_key, *model.kinds]
        if absent := [name for name in names if name not in old.column_names or name not in new.column_names]:
            raise MatchingError(f"The tables lack columns: {', '.join(absent)}")
        records = Records(stacked(old.select(names), new.select(names)), self.primary_key, model.kinds, model.quick)
        queries = np.arange(old.num_rows, len(records))
        left, right = records.candidates(self._effort(), queries, progress)
        probability = records.score(left, right, model.probability, progress)
        left, right, probability = self._completed(records, left, right, probability, old.num_rows)
        left, right, probability, forced = self._with_labels(records, left, right, probability)
        ids = linking.link(known.astype(np.int64), new.num_rows, left, right, probability, self._threshold(), forced)
        places = np.unique(np.concatenate([known, ids]), return_inverse=True)[1]
        said = np.where(forced == 0, probability, forced > 0)
        return ids, clustering.confidence(places, left, right, said)[old.num_rows :]

    def evaluate(self, table: Any, labels: Any) -> Metrics:
        """Quality on labelled pairs. Those that `fit` learned from are judged by fits without them (in three parts)."""
        model, rows = self._fitted(), as_table(table)
        records, pairs, a, b = self._labelled(rows, labels, model)
        compared = records.compare(a, b)
        probability = model.seen.held_out(pairs.left, pairs.right, model.probability(compared))
        names, random = list(model.kinds), np.random.default_rng(self.random_state)
        importances = evaluation.importances(names, compared, pairs.match, model.probability, random)
        return evaluation.measured(pairs.match, probability, self._threshold(), importances)

    def labeling_sets(self, table: Any, sets: int = 10, rows: int = 10, progress: Progress | None = None) -> pa.Table:
        """Records that are worth labelling: up to `sets` sets of `rows` rows each.

        The columns are labeling_set_id ("1", "2", ...), label (empty) and all of the table. Sets hold what the matcher
        is least sure of, near misses and clear cases; before `fit` it is one fitted without labels.
        """
        if not ROWS_MIN <= rows <= ROWS_MAX:
            raise MatchingError(f"rows must be from {ROWS_MIN} to {ROWS_MAX}; got {rows}")
        if sets < 1:
            raise MatchingError(f"sets must be at least 1; got {sets}")
        source = as_table(table)
        model = self.model_ if hasattr(self, "model_") else FindMatches(**self.get_params()).fit(source).model_
        records = Records(source, self.primary_key, model.kinds, model.quick)
        random = np.random.default_rng(self.random_state)
        queries = _some(len(records), random)
        left, right = records.candidates(self._effort(), queries, progress)
        probability = np.clip(records.score(left, right, model.probability, progress), 1e-9, 1 - 1e-9)
        odds = np.log(probability / (1 - probability))
        chosen = proposals.sets(len(records), left, right, odds, sets, rows, random)
        numbers = [str(number) for number, members in enumerate(chosen, 1) for _ in members]
        picked = source.take(pa.array([record for members in chosen for record in members], pa.int64()))
        made = picked.add_column(0, SET, pa.array(numbers, pa.string()))
        return made.add_column(1, LABEL, pa.nulls(len(numbers), pa.string()))

    def save(self, path: str | Path) -> None:
        """Write the fitted matcher as one file, which holds data only."""
        artifact.save(path, {**self.get_params(), "column_kinds": dict(self.column_kinds or {})}, self._fitted())

    @classmethod
    def load(cls, source: str | Path | bytes) -> "FindMatches":
        """A matcher from its file, or from that file's bytes. Raises ArtifactError for what is none."""
        parameters, model = artifact.load(source)
        made = cls(**parameters)
        made.model_ = model
        return made

    def _fit(
        self, table: pa.Table, labels: Any, progress: Progress | None
    ) -> tuple[Records, np.ndarray, np.ndarray, Compared | None]:
        """Learn; returns the records, their candidate pairs and, where all were compared at once, how they compare."""
        self._check()
        random = np.random.default_rng(self.random_state)
        pairs = None if labels is None else self._labels(labels)
        if pairs is not None and pairs.rows is not None:
            table = with_rows(table, pairs.rows, self.primary_key)
        if table.num_rows < 2:
            raise MatchingError(f"Matching needs two records at least; got {table.num_rows}")
        wanted = self.column_kinds or {}
        if foreign := [name for name in wanted if name not in table.column_names]:
            raise MatchingError(f"column_kinds names columns the table lacks: {', '.join(foreign)}")
        names = compared_columns(table, self.primary_key, [name for name, kind in wanted.items() if kind is None])
        records = Records(table, self.primary_key, {name: wanted.get(name) for name in names}, pairs is None)
        queries = _some(len(records), random)
        left, right = records.candidates(self._effort(), queries, progress)
        whole = queries is None and len(left) <= 4 * BLOCK
        compared = self._compared(records, left, right, progress)
        others = records.compare(*records.others(left, right, queries, OTHERS, random))
        asked = len(records) if queries is None else len(queries)
        every = asked * (len(records) - 1) - asked * (asked - 1) / 2
        prior = FellegiSunter.fit(compared, others, every)
        kinds = {column.name: column.kind for column in records.columns}
        self.model_ = Model(kinds, prior, None, nothing_seen())
        if pairs is not None:
            self._learn(records, pairs, prior, kinds)
        if progress:
            progress("fitted", 1.0)
        return records, left, right, compared if whole else None

    def _compared(self, records: Records, left: np.ndarray, right: np.ndarray, progress: Progress | None) -> Compared:
        parts = []
        for at in range(0, max(1, len(left)), BLOCK):
            parts.append(records.compare(left[at : at + BLOCK], right[at : at + BLOCK]))
            if progress:
                progress("comparing", min(1.0, (at + BLOCK) / max(1, len(left))))
        return parts[0] if len(parts) == 1 else stacked_pairs(parts)

    def _learn(self, records: Records, pairs: Labels, prior: FellegiSunter, kinds: dict[str, Kind]) -> None:
        a, b = _rows(records, pairs)
        compared = records.compare(a, b)
        odds = prior.log_odds(compared)
        matcher = Matcher.fit(features(compared, odds), odds, pairs.match, pairs.groups, self.random_state)
        seen = Seen(pairs.left, pairs.right, pairs.match, matcher.held_out)
        self.model_ = Model(kinds, prior, matcher, seen)

    def _labels(self, labels: Any) -> Labels:
        pairs = labels if isinstance(labels, Labels) else Labels.of_sets(labels, self.primary_key)
        if not len(pairs):
            raise LabelError("The labels hold no pair: no labeling set has two labelled records")
        return pairs

    def _labelled(self, table: pa.Table, labels: Any, model: Model) -> tuple[Records, Labels, np.ndarray, np.ndarray]:
        pairs = self._labels(labels)
        if pairs.rows is not None:
            table = with_rows(table, pairs.rows, self.primary_key)
        records = Records(table, self.primary_key, model.kinds, model.quick)
        return records, pairs, *_rows(records, pairs)

    def _predicted(self, table: pa.Table, progress: Progress | None) -> tuple[np.ndarray, np.ndarray]:
        model = self._fitted()
        records = Records(table, self.primary_key, model.kinds, model.quick)
        left, right = records.candidates(self._effort(), None, progress)
        probability = records.score(left, right, model.probability, progress)
        return self._entities(records, left, right, probability, progress)

    def _entities(
        self, records: Records, left: np.ndarray, right: np.ndarray, probability: np.ndarray, progress: Progress | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Match ids and confidences."""
        left, right, probability = self._completed(records, left, right, probability)
        left, right, probability, forced = self._with_labels(records, left, right, probability)
        ids = clustering.cluster(len(records), left, right, probability, self._threshold(), forced)
        if progress:
            progress("clustering", 1.0)
        return ids, clustering.confidence(ids, left, right, np.where(forced == 0, probability, forced > 0))

    def _completed(
        self, records: Records, left: np.ndarray, right: np.ndarray, probability: np.ndarray, first: int = 0
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The pairs and those within components of likely ones that were not compared yet.

        first: pairs of two records before this one are left out.
        """
        strong = probability >= self._threshold()
        labels = clustering.components(len(records), left[strong], right[strong])
        a, b = clustering.unscored(labels, left, right, self._effort().complete, 2 * len(left) + 100_000)
        a, b = a[b >= first], b[b >= first]
        scored = records.score(a, b, self._fitted().probability)
        return np.concatenate([left, a]), np.concatenate([right, b]), np.concatenate([probability, scored])

    def _with_labels(
        self, records: Records, left: np.ndarray, right: np.ndarray, probability: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Pairs and, for each, whether labels force it; labelled pairs that were no candidates are added."""
        if not self.enforce_provided_labels:
            return left, right, probability, np.zeros(len(left), np.int8)
        a, b, sign = self._fitted().seen.forced(records.keys)
        n = len(records)
        # Where a pair has two labels, the last place of a sort by sign is the one that says apart.
        order = np.argsort(-sign, kind="stable")
        firm = dict(zip((np.minimum(a, b) * n + np.maximum(a, b))[order].tolist(), sign[order].tolist(), strict=True))
        every = unique(np.concatenate([left, a]), np.concatenate([right, b]), n)
        keys, old = every[0].astype(np.int64) * n + every[1], left.astype(np.int64) * n + right
        order = np.argsort(old)
        known = np.zeros(len(keys))
        known[np.searchsorted(keys, old[order])] = probability[order]
        forced = np.zeros(len(keys), np.int8)
        named = np.array(list(firm), np.int64)
        forced[np.searchsorted(keys, named)] = list(firm.values())
        return every[0], every[1], known, forced

    def _fitted(self) -> Model:
        if not hasattr(self, "model_"):
            raise NotFittedError("FindMatches is not fitted; call fit first")
        self._check()
        return self.model_

    def _check(self) -> None:
        for name in ("precision_recall_tradeoff", "accuracy_cost_tradeoff"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and 0 <= value <= 1):
                raise MatchingError(f"{name} must be a number from 0 to 1; got {value!r}")

    def _effort(self) -> Effort:
        return Effort.of(self.accuracy_cost_tradeoff)

    def _threshold(self) -> float:
        """The probability from which a pair is taken for a match: at t, a false match costs t / (1 - t) missed ones."""
        return float(1 / (1 + np.exp(-6 * (2 * self.precision_recall_tradeoff - 1))))


PARAMETERS = ("primary_key", "precision_recall_tradeoff", "accuracy_cost_tradeoff", "enforce_provided_labels",
              "column_kinds", "random_state")  # fmt: skip


def _some(n: int, random: np.random.Generator) -> np.ndarray | None:
    """Records to ask about, or None for all."""
    return None if n <= QUERIES_MAX else np.sort(random.choice(n, QUERIES_MAX, replace=False))


def _rows(records: Records, pairs: Labels) -> tuple[np.ndarray, np.ndarray]:
    places = []
    for keys in (pairs.left, pairs.right):
        found = places_of(records.keys, keys)
        if (found < 0).any():
            raise LabelError(f"The labelled record {keys[int(np.argmax(found < 0))].as_py()} is not in the table")
        places.append(found.astype(np.int32))
    return places[0], places[1]
