"""Entities are found: with labels and without, in one table and in two, and the dials do what they say."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lakemill.matching import FindMatches, Labels
from lakemill.matching.errors import LabelError, MatchingError, NotFittedError
from tests.unit.matching.people import labelled, pair_f1, people


@pytest.fixture(scope="module")
def table():
    return people(500, 200)


@pytest.fixture(scope="module")
def hard():
    """Nearly everything is wrong in some duplicates."""
    rows, entities = people(400, 300, seed=3, errors=5)
    return rows.select(["id", "first", "last", "street", "town"]), entities


@pytest.fixture(scope="module")
def taught(hard):
    rows, entities = hard
    matcher = FindMatches("id")
    sets = labelled(matcher.labeling_sets(rows, sets=20, rows=10), rows, entities)
    return matcher.fit(rows, sets), sets


def test_duplicates_are_found_without_labels(table):
    rows, entities = table
    assert pair_f1(FindMatches("id").fit(rows).predict(rows), entities)[2] > 0.98


def test_fitting_and_predicting_in_one_gives_the_same(table):
    rows, _ = table
    assert np.array_equal(FindMatches("id").fit_predict(rows), FindMatches("id").fit(rows).predict(rows))


def test_a_table_without_duplicates_has_none():
    rows, entities = people(500, 0, seed=1)
    ids = FindMatches("id").fit_predict(rows)
    assert len(set(ids.tolist())) >= len(entities) - 2


def test_labels_help_where_columns_are_spoiled(hard, taught):
    rows, entities = hard
    without = pair_f1(FindMatches("id").fit_predict(rows), entities)[2]
    with_labels = pair_f1(taught[0].predict(rows), entities)[2]
    assert with_labels > 0.8
    assert with_labels > without - 0.02


def test_the_dial_trades_recall_for_precision(hard, taught):
    rows, entities = hard
    matcher = taught[0]

    def at(dial):
        return pair_f1(matcher.set_params(precision_recall_tradeoff=dial).predict(rows), entities)

    found = [at(dial) for dial in (0.0, 0.5, 1.0)]
    matcher.set_params(precision_recall_tradeoff=0.5)
    precisions, recalls, _ = zip(*found, strict=True)
    assert precisions[0] < precisions[1] < precisions[2] > 0.99
    assert recalls[0] > recalls[1] > recalls[2]


def test_more_effort_compares_more_pairs(table):
    rows, _ = table
    counts = []
    for dial in (0.0, 0.5, 1.0):
        records, left, _, _ = FindMatches("id", accuracy_cost_tradeoff=dial)._fit(rows, None, None)
        counts.append(len(left))
        assert len(left) < len(records) * (len(records) - 1) / 2
    assert counts[0] < counts[1] < counts[2]


def test_runs_with_the_same_seed_agree(hard, taught):
    rows, _ = hard
    again = FindMatches("id").fit(rows, taught[1])
    assert np.array_equal(again.predict(rows), taught[0].predict(rows))


def test_labels_are_enforced_where_that_is_asked_for(table):
    rows, entities = table
    keys = rows["id"].to_pylist()
    same = np.flatnonzero(entities == np.bincount(entities).argmax())
    strangers = np.flatnonzero(entities != entities[same[0]])[:2]
    left = [keys[same[0]], keys[strangers[0]]]
    right = [keys[same[1]], keys[strangers[1]]]
    wrong = Labels.of_pairs(left, right, [False, True])
    ids = FindMatches("id", enforce_provided_labels=True).fit(rows, wrong).predict(rows)
    assert ids[same[0]] != ids[same[1]]
    assert ids[strangers[0]] == ids[strangers[1]]


def test_new_records_join_known_entities(table):
    rows, entities = table
    matcher = FindMatches("id").fit(rows)
    old, new = rows.slice(0, 500), rows.slice(500)
    known = entities[:500] + 7000
    ids = matcher.link(old, new, known)
    expected = np.where(np.isin(entities[500:], entities[:500]), entities[500:] + 7000, -1)
    joined = expected >= 0
    assert (ids[joined] == expected[joined]).mean() > 0.97
    assert (ids[~joined] > known.max()).mean() > 0.97
    by_column = matcher.link(old.append_column("match_id", pa.array(known)), new)
    assert np.array_equal(by_column, ids)


def test_linking_keeps_to_labels_where_that_is_asked_for(table):
    rows, entities = table
    old, new = rows.slice(0, 600), rows.slice(600)
    same = next(at for at in range(600, 700) if entities[at] in entities[:600])
    partners = np.flatnonzero(entities[:600] == entities[same])
    keys = rows["id"].to_pylist()
    wrong = Labels.of_pairs([keys[at] for at in partners], [keys[same]] * len(partners), [False] * len(partners))
    matcher = FindMatches("id", enforce_provided_labels=True).fit(rows, wrong)
    assert matcher.link(old, new, entities[:600])[same - 600] != entities[same]


def test_transform_adds_id_and_confidence(table):
    rows, _ = table
    made = FindMatches("id").fit(rows).transform(rows)
    assert made.column_names == [*rows.column_names, "match_id", "match_confidence_score"]
    confidence = made["match_confidence_score"].to_numpy()
    assert ((confidence >= 0) & (confidence <= 1)).all()
    assert FindMatches("id", column_kinds={"match_id": None, "match_confidence_score": None}).fit(made).transform(
        made
    ).column_names == made.column_names  # fmt: skip


def test_evaluation_judges_learned_pairs_by_fits_without_them(hard, taught):
    rows, _ = hard
    matcher, sets = taught
    found = matcher.evaluate(rows, sets)
    assert found.true_positives + found.false_negatives == Labels.of_sets(sets, "id").match.sum()
    assert 0.7 < found.f1 <= 1
    assert 0.7 < found.area_under_pr_curve <= 1
    assert sum(found.column_importances.values()) == pytest.approx(1)
    assert set(found.column_importances) == {"first", "last", "street", "town"}


def test_evaluation_works_without_having_learned(table):
    rows, entities = table
    matcher = FindMatches("id").fit(rows)
    found = matcher.evaluate(rows, labelled(matcher.labeling_sets(rows), rows, entities))
    assert found.f1 > 0.9


@pytest.mark.parametrize("sets,size", [(10, 10), (3, 2), (2, 30)])
def test_labeling_sets_hold_matches_and_others(table, sets, size):
    rows, entities = table
    made = FindMatches("id").labeling_sets(rows, sets=sets, rows=size)
    assert made.column_names == ["labeling_set_id", "label", *rows.column_names]
    assert made.num_rows == sets * size
    assert made["label"].null_count == made.num_rows
    assert len(set(made["id"].to_pylist())) == made.num_rows
    if size > 2:
        match = Labels.of_sets(labelled(made, rows, entities), "id").match
        assert 0 < match.sum() < len(match)


def test_a_fitted_matcher_is_a_file(hard, taught, tmp_path):
    rows, _ = hard
    matcher, sets = taught
    matcher.save(tmp_path / "matcher")
    assert [path.name for path in tmp_path.iterdir()] == ["matcher"]
    read = FindMatches.load(tmp_path / "matcher")
    assert read.get_params() == {**matcher.get_params(), "column_kinds": {}}
    assert np.array_equal(read.predict(rows), matcher.predict(rows))
    assert read.evaluate(rows, sets) == matcher.evaluate(rows, sets)


def test_labelled_rows_need_not_be_in_the_table(hard):
    rows, entities = hard
    sets = labelled(FindMatches("id").labeling_sets(rows, sets=20), rows, entities)
    rest = rows.filter(~np.isin(rows["id"].to_pylist(), sets["id"].to_pylist()[:50]))
    ids = FindMatches("id").fit_predict(rest, sets)
    assert len(ids) == rest.num_rows


def test_tables_come_in_many_forms(table):
    rows, _ = table
    expected = FindMatches("id").fit_predict(rows)
    frame = rows.to_pandas()
    assert np.array_equal(FindMatches("id").fit_predict(frame), expected)
    assert np.array_equal(FindMatches("id").fit_predict(rows.to_pydict()), expected)
    assert np.array_equal(FindMatches("id").fit_predict(pa.Table.from_pandas(frame).combine_chunks()), expected)


def test_all_types_of_columns_can_be_compared():
    frame = pd.DataFrame({"id": range(6), "when": pd.to_datetime(["2020-01-01", "2021-05-05", None] * 2),
                          "amount": [1.5, None, 3.0] * 2, "flag": [True, False, None] * 2,
                          "name": ["Łukasz", "王", ""] * 2, "none": [None] * 6,
                          "category": pd.Categorical(["a", "b", "c"] * 2),
                          "bytes": [b"x", b"\xff", None] * 2, "list": [[1], [2], None] * 2})  # fmt: skip
    ids = FindMatches("id").fit_predict(frame)
    assert ids[0] == ids[3]


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_records_cannot_be_learned_from_but_matched(table, count):
    rows, _ = table
    with pytest.raises(MatchingError, match="two records at least"):
        FindMatches("id").fit(rows.slice(0, count))
    assert FindMatches("id").fit(rows).predict(rows.slice(0, count)).tolist() == [0] * count


def test_linking_nothing_gives_nothing(table):
    rows, _ = table
    matcher = FindMatches("id").fit(rows)
    assert matcher.link(rows, rows.slice(0, 0)).tolist() == []
    assert matcher.link(rows.slice(0, 0), rows.slice(0, 3)).tolist() == matcher.predict(rows.slice(0, 3)).tolist()


def test_progress_is_told(table):
    told = []
    FindMatches("id").fit_predict(table[0], progress=lambda what, done: told.append((what, done)))
    assert {what for what, _ in told} == {"searching", "comparing", "fitted", "clustering"}
    assert all(0 <= done <= 1 for _, done in told)


@pytest.mark.parametrize("change,message", [
    ({"primary_key": "absent"}, "no column of the table"),
    ({"primary_key": "height"}, "must be unique"),
    ({"primary_key": "town"}, "is missing in 13 records"),
    ({"precision_recall_tradeoff": 1.5}, "precision_recall_tradeoff must be a number from 0 to 1; got 1.5"),
    ({"accuracy_cost_tradeoff": "much"}, "accuracy_cost_tradeoff must be a number"),
    ({"column_kinds": {"town": "place"}}, "kind of column town must be one of name, text"),
    ({"column_kinds": {"absent": "name"}}, "names columns the table lacks: absent"),
])  # fmt: skip
def test_what_does_not_fit_is_named(table, change, message):
    with pytest.raises(MatchingError, match=message):
        FindMatches(**{"primary_key": "id", **change}).fit(table[0])


def test_misuse_is_named(table):
    rows, _ = table
    with pytest.raises(NotFittedError):
        FindMatches("id").predict(rows)
    with pytest.raises(MatchingError, match="needs a column beside"):
        FindMatches("id").fit(rows.select(["id"]))
    with pytest.raises(MatchingError, match="lacks columns: town"):
        FindMatches("id").fit(rows).predict(rows.drop_columns(["town"]))
    with pytest.raises(MatchingError, match="has no parameter dial"):
        FindMatches("id").set_params(dial=1)
    with pytest.raises(LabelError, match="labelled record nobody is not in the table"):
        FindMatches("id").fit(rows, Labels.of_pairs(["nobody"], ["r1"], [True]))
    with pytest.raises(LabelError, match="hold no pair"):
        FindMatches("id").fit(rows, Labels.of_pairs([], [], []))
    with pytest.raises(MatchingError, match="rows must be from 2 to 30; got 31"):
        FindMatches("id").labeling_sets(rows, rows=31)
