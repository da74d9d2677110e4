"""Label files: what is read is what was written, and what is wrong is named with its line."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakemill.matching import Labels, labels
from lakemill.matching.errors import LabelError

GOOD = b"labeling_set_id,label,id,name\n1,A,7,Ann\n1,A,8,Anne\n1,B,9,Bob\n2,A,7,Ann\n2,B,5,Cy\n"


def pairs(found):
    return list(zip(found.left.to_pylist(), found.right.to_pylist(), found.match.tolist(), strict=True))


def test_same_label_of_a_set_is_a_match_and_another_one_is_not():
    found = labels.read(GOOD, "id", ["id", "name"])
    assert pairs(found) == [("7", "8", True), ("7", "9", False), ("8", "9", False), ("7", "5", False)]
    assert found.groups.tolist() == [0, 0, 0, 1]
    assert found.rows.column_names == ["id", "name"]


def test_rows_without_a_label_say_nothing():
    found = labels.read(b"labeling_set_id,label,id\n1,A,7\n1,,8\n1,B,9\n", "id")
    assert pairs(found) == [("7", "9", False)]


def test_labels_tell_upper_from_lower_case():
    assert not labels.read(b"labeling_set_id,label,id\n1,A,7\n1,a,8\n", "id").match[0]


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf" + GOOD, GOOD.replace(b"\n", b"\r\n"), GOOD + b"\n\n"])
def test_forms_of_csv(data):
    assert len(labels.read(data, "id")) == 4


@pytest.mark.parametrize("data,line,message", [
    (b"", 1, "empty"),
    (b"labeling_set_id,label,id\n", 1, "no rows"),
    (b"label,labeling_set_id,id\n1,A,7\n", 1, "must be labeling_set_id,label; got label,labeling_set_id"),
    (b"labeling_set_id,label,key\n1,A,7\n", 1, "primary key id is missing"),
    (b"labeling_set_id,label,id,id\n1,A,7,7\n", 1, "column id is there more than once"),
    (b"labeling_set_id,label,id,name\n1,A,7,Ann\n1,B,8\n", 3, "3 fields; the first line has 4"),
    (b"labeling_set_id,label,id,name\n1,A,7,\"An\nn\"\n,B,8,x\n", 4, "labeling_set_id is empty"),
    (b"labeling_set_id,label,id\n1,A,7\n1,B,\n", 3, "primary key id is empty"),
    (b"labeling_set_id,label,id\n1,A,7\n1,B,8\n2,A,9\n", 4, "set 2 has one row"),
    (b"labeling_set_id,label,id\n1,A,7\n1,B,7\n", 3, "record 7 has two labels in the labeling set 1"),
    (b"labeling_set_id,label,id\n" + b"".join(b"1,A,%d\n" % n for n in range(31)), 32, "more than 30 rows"),
    (b"labeling_set_id,label,id\n1,A,7\n1,A,\xff\n", 3, "not UTF-8"),
    (b"labeling_set_id,label,id\n1,A,7\n1,A,\x00\n", 3, "NUL"),
    (b"labeling_set_id,label,id\n1,A,7\n1,A,\"8\"x\n", 3, "no CSV"),
])  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(data, line, message):
    with pytest.raises(LabelError, match=message) as caught:
        labels.read(data, "id")
    assert caught.value.line == line
    assert str(caught.value).startswith(f"line {line}: ")


def test_columns_must_be_those_of_the_source():
    with pytest.raises(LabelError, match="Columns of the source are missing: born"):
        labels.read(GOOD, "id", ["id", "name", "born"])
    with pytest.raises(LabelError, match="that the source does not have: name"):
        labels.read(GOOD, "id", ["id"])


def test_files_are_read_and_written(tmp_path):
    table = pa.table({"labeling_set_id": ["1", "1"], "label": ["x", "y"], "id": [1, 2], "said": ['"', None]})
    assert labels.write(table, tmp_path / "labels.csv") == b'labeling_set_id,label,id,said\n1,x,1,""""\n1,y,2,\n'
    assert pairs(labels.read(tmp_path / "labels.csv", "id")) == [("1", "2", False)]
    with pytest.raises(LabelError, match="must be labeling_set_id,label"):
        labels.write({"id": [1]})


cells = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=5)
rows = st.lists(st.tuples(st.sampled_from("123"), st.sampled_from(["A", "B", None]), cells, st.none() | cells),
                min_size=1, max_size=20, unique_by=lambda row: row[2])  # fmt: skip


@given(rows)
def test_what_was_written_is_read(given_rows):
    sizes = [sum(row[0] == of for row in given_rows) for of, *_ in given_rows]
    kept = [row for row, size in zip(given_rows, sizes, strict=True) if size > 1]
    if not kept:
        return
    names = ["labeling_set_id", "label", "id", "name"]
    table = pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(names, zip(*kept, strict=True), strict=True)}
    )
    found = labels.read(labels.write(table), "id", ["id", "name"])
    assert pairs(found) == pairs(Labels.of_sets(table, "id"))
    assert found.rows.equals(table.drop_columns(["labeling_set_id", "label"]))
    for left, right, match in pairs(found):
        a, b = (next(row for row in kept if row[2] == key) for key in (left, right))
        assert a[0] == b[0] and match == (a[1] == b[1]) and a[1] and b[1]
