"""The JSONPath subset."""

import pytest

from lakemill.engines.hosting.batch.jsonpath import PathError, PathMisses, compile_path, indexes_only

ROW = ["a", "b", "c", "d", "e"]
RECORD = {"id": 1, "features": {"x": [1, 2, 3], "y": 2.5}, "a b": True}


@pytest.mark.parametrize(
    ("path", "value", "selected"),
    [
        ("$", ROW, ROW),
        ("$[1:]", ROW, ["b", "c", "d", "e"]),
        ("$[1:3]", ROW, ["b", "c"]),
        ("$[:2]", ROW, ["a", "b"]),
        ("$[-2:]", ROW, ["d", "e"]),
        ("$[0]", ROW, "a"),
        ("$[-1]", ROW, "e"),
        ("$[1,3]", ROW, ["b", "d"]),
        ("$[0,3:]", ROW, ["a", "d", "e"]),
        ("$[*]", ROW, ROW),
        ("$[9:]", ROW, []),
        ("$.id", RECORD, 1),
        ("$.features.x[0]", RECORD, 1),
        ("$['features']['y']", RECORD, 2.5),
        ('$["a b"]', RECORD, True),
        ("$['id','a b']", RECORD, {"id": 1, "a b": True}),
        ("$.features.*", RECORD, [[1, 2, 3], 2.5]),
        ("$.features.x[0,2]", RECORD, [1, 3]),
        ("$[*].n", [{"n": 1}, {"n": 2}], [1, 2]),
    ],
)
def test_a_path_selects(path, value, selected):
    assert compile_path(path)(value) == selected


@pytest.mark.parametrize("path", ["", "id", "$..id", "$[?(@.id)]", "$.", "$[", "$['a]", "$[1:2:3]", "$[a]", "$[1,]"])
def test_what_is_not_in_the_subset_is_refused(path):
    with pytest.raises(PathError):
        compile_path(path)


@pytest.mark.parametrize(
    ("path", "value"), [("$[5]", ROW), ("$[-6]", ROW), ("$.none", RECORD), ("$.id.x", RECORD), ("$[0]", RECORD)]
)
def test_what_is_not_there_is_missed(path, value):
    with pytest.raises(PathMisses):
        compile_path(path)(value)


def test_paths_for_csv_are_told_from_others():
    assert indexes_only("$") and indexes_only("$[0,5:]") and indexes_only("$[-1]")
    assert not indexes_only("$.a") and not indexes_only("$['a']") and not indexes_only("$[0][1]")
