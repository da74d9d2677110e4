"""What jobs do with a transform."""

import pytest

from lakemill.matching import FindMatches
from lakemill.matching.errors import MatchingError
from lakemill.mltransforms.applying import find_incremental_matches, find_matches
from lakemill.mltransforms.pulling import tuned
from tests.unit.matching.people import people

PEOPLE, _ = people(60, 40, seed=5)
SCORE = "match_confidence_score"


@pytest.fixture(scope="module")
def matcher():
    return FindMatches("id").fit(PEOPLE)


def test_scores_come_where_they_are_wanted(matcher):
    assert find_matches(PEOPLE, matcher).column_names == [*PEOPLE.column_names, "match_id"]
    found = find_matches(PEOPLE, matcher, scores=True)
    assert found.column_names == [*PEOPLE.column_names, "match_id", SCORE]
    assert all(0 <= score <= 1 for score in found[SCORE].to_pylist())


def test_new_rows_join_known_entities_and_known_ids_stay(matcher):
    known = find_matches(PEOPLE.slice(0, 70), matcher, scores=True)
    both = find_incremental_matches(known, PEOPLE.slice(70), matcher, scores=True)
    assert both.slice(0, 70).equals(known)
    ids, new = known["match_id"].to_pylist(), both["match_id"].to_pylist()[70:]
    assert set(new) & set(ids) and max(new) > max(ids)
    assert all(0 <= score <= 1 for score in both[SCORE].to_pylist())
    plain = known.drop_columns([SCORE])
    assert find_incremental_matches(plain, PEOPLE.slice(70), matcher).equals(both.drop_columns([SCORE]))
    assert find_incremental_matches(plain, PEOPLE.slice(70), matcher, scores=True)[SCORE].null_count == 70


def test_rows_without_ids_are_entities_of_their_own(matcher):
    both = find_incremental_matches(PEOPLE.slice(0, 3), PEOPLE.slice(3, 2).append_column("more", [[1, 2]]), matcher)
    assert both["match_id"].to_pylist()[:3] == [0, 1, 2] and both.column_names == [*PEOPLE.column_names, "match_id"]


def test_a_frame_without_a_column_of_the_transform_is_refused(matcher):
    with pytest.raises(MatchingError, match="The tables lack columns: born"):
        find_incremental_matches(PEOPLE, PEOPLE.drop_columns(["born"]), matcher)


def test_the_dials_are_those_of_the_transform(matcher, tmp_path):
    matcher.save(tmp_path / "model")
    given = {"PrimaryKeyColumnName": "id", "PrecisionRecallTradeoff": 0.9, "EnforceProvidedLabels": True}
    made = tuned((tmp_path / "model").read_bytes(), given)
    wanted = (0.9, 0.5, True)
    assert (made.precision_recall_tradeoff, made.accuracy_cost_tradeoff, made.enforce_provided_labels) == wanted
