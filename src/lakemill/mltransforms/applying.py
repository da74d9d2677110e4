"""What `FindMatches.apply` and `FindIncrementalMatches.apply` of a job do to the rows of its frames.

    matcher = pulling.matcher(transform_id)          # over the API, with the keys of the job's role
    found = find_matches(table, matcher)             # Arrow tables in, Arrow tables out

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-transforms-findmatches.html
"""

from typing import Any

import pyarrow as pa

from lakemill.matching import FindMatches
from lakemill.matching.estimator import CONFIDENCE, MATCH_ID
from lakemill.matching.tables import as_table, stacked


def find_matches(frame: Any, matcher: FindMatches, *, scores: bool = False) -> pa.Table:
    """The rows with the column match_id, equal for records that mean the same thing.

    Parameters
    ----------
    frame : Arrow table, or what `FindMatches.predict` takes
        Needs the columns that the transform's input table had.
    matcher : FindMatches
        Of `pulling.matcher`.
    scores : bool, default False
        Whether match_confidence_score comes as well, as `computeMatchConfidenceScores` has it.

    Returns
    -------
    Arrow table
        All columns of the frame, match_id (int64, from 0), and the score (double, in [0, 1]). A column of the frame
        that has one of these names is replaced.

    Raises
    ------
    MatchingError
        If a column is missing, or the primary key is empty or there twice.

    >>> people = {"id": [1, 2, 3], "name": ["Ann Lee", "Bob Stone", "Ann  Lee"], "born": ["1980", "1991", "1980"]}
    >>> find_matches(people, FindMatches("id").fit(people)).column("match_id").to_pylist()
    [0, 1, 0]
    """
    found = matcher.transform(frame)
    return found if scores else found.drop_columns([CONFIDENCE])


def find_incremental_matches(
    existing: Any, incremental: Any, matcher: FindMatches, *, scores: bool = False
) -> pa.Table:
    """Existing rows, whose match ids stay, and below them new ones with the ids of the entities they join.

    Parameters
    ----------
    existing : Arrow table, or what `FindMatches.link` takes
        With the column match_id, as `find_matches` leaves it; without it each row is an entity of its own.
    incremental : the same, without match_id
    matcher : FindMatches
    scores : bool, default False
        Whether match_confidence_score comes as well: of new rows; existing ones keep theirs, or have none.

    Returns
    -------
    Arrow table
        The existing frame's columns, match_id (int64) and the score; what the incremental frame lacks is
        null, and columns whose types differ become text.

    Raises
    ------
    MatchingError
        As `find_matches`, and if match_id does not hold whole numbers.

    >>> known = {"id": [1, 2, 3], "name": ["Ann Lee", "Bob Stone", "Ann  Lee"], "born": ["1980", "1991", "1980"]}
    >>> matcher = FindMatches("id").fit(known)
    >>> new = {"id": [4], "name": ["Bob Stone"], "born": ["1991"]}
    >>> find_incremental_matches(find_matches(known, matcher), new, matcher).column("match_id").to_pylist()
    [0, 1, 0, 1]
    """
    old, new = as_table(existing), as_table(incremental)
    if MATCH_ID not in old.column_names:
        old = old.append_column(MATCH_ID, pa.array(range(old.num_rows), pa.int64()))
    ids = old.column(MATCH_ID).cast(pa.int64())
    found, sure = matcher.link_scored(old, new, ids.to_numpy())
    rows, more = (_without(table, MATCH_ID, CONFIDENCE) for table in (old, new))
    both = stacked(rows, more).append_column(MATCH_ID, pa.chunked_array([*ids.chunks, pa.array(found)]))
    if not scores:
        return both
    before = old.column(CONFIDENCE) if CONFIDENCE in old.column_names else pa.nulls(old.num_rows)
    known = pa.chunked_array([before.cast(pa.float64())]) if isinstance(before, pa.Array) else before.cast(pa.float64())
    return both.append_column(CONFIDENCE, pa.chunked_array([*known.chunks, pa.array(sure)]))


def _without(table: pa.Table, *names: str) -> pa.Table:
    return table.drop_columns([name for name in names if name in table.column_names])
