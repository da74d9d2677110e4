"""Dynamic frames: what their methods make, in schemas and records."""

import json

import pytest

from lakemill.glueetl import gluetypes
from lakemill.glueetl.errors import ThresholdPassed
from lakemill.glueetl.gluetypes import ChoiceType, DoubleType, IntegerType, StringType

pytestmark = pytest.mark.slow

PEOPLE = (
    '{"id": 1, "n": {"a": "x", "b": [1, 2]}, "l": [{"u": "p", "q": [7]}, {"u": "r"}]}',
    '{"id": "2", "n": {"a": 3.5}, "l": [{"u": "s"}], "q.d": "{\\"k\\": 7}"}',
    '{"id": 3, "price": 1.5}',
)


@pytest.fixture
def people(frame):
    return frame(*PEOPLE)


def shown(frame, capsys):
    """Records as `show` prints them, in the order of their text."""
    capsys.readouterr()
    frame.show()
    return sorted((json.loads(line) for line in capsys.readouterr().out.splitlines()), key=str)


def kinds(frame):
    return {field.name: field.dataType for field in frame.schema()}


@pytest.mark.parametrize(
    ("specs", "name", "type", "values"),
    [
        ([("id", "cast:int")], "id", IntegerType(), [1, 2, 3]),
        ([("id", "cast:string")], "id", StringType(), ["1", "2", "3"]),
        ([("id", "project:string")], "id", StringType(), [None, "2", None]),
        ([("id", "make_cols")], "id_int", IntegerType(), [1, None, 3]),
        ([("price", "cast:string")], "price", StringType(), [None, None, "1.5"]),
    ],
)
def test_a_choice_is_resolved(people, specs, name, type, values):
    made = people.resolveChoice(specs=specs)
    assert kinds(made)[name] == type
    assert [row[name] for row in made.toDF().collect()] == values


def test_choices_within_structs_and_arrays_are_resolved(frame, capsys):
    made = frame('{"s": {"v": 1}, "a": [{"w": 1}, {"w": "x"}]}', '{"s": {"v": "y"}}')
    done = made.resolveChoice(specs=[("s.v", "make_cols"), ("a[].w", "cast:string")])
    assert shown(done, capsys) == [{"s": {"v_int": 1}, "a": [{"w": "1"}, {"w": "x"}]}, {"s": {"v_string": "y"}}]
    structs = made.resolveChoice(choice="make_struct").schema()
    assert gluetypes.tree(structs).count("choice") == 0 and gluetypes.tree(structs).count("struct") == 4
    with pytest.raises(ValueError, match="resolveChoice takes cast:type, make_cols"):
        made.resolveChoice(choice="forget")


def test_fields_are_chosen_dropped_and_renamed(people, capsys):
    assert shown(people.select_fields(["id", "n.a", "no"]), capsys) == [
        {"id": "2", "n": {"a": 3.5}},
        {"id": 1, "n": {"a": "x"}},
        {"id": 3},
    ]
    assert list(kinds(people.drop_fields(["id", "`q.d`", "n.a"]))) == ["n", "l", "price"]
    renamed = people.rename_field("id", "key").rename_field("n.a", "n.z").rename_field("`q.d`", "q.d")
    assert list(kinds(renamed)) == ["key", "n", "l", "price", "q"]
    assert list(kinds(renamed)["n"].field_map) == ["z", "b"]


def test_fields_are_mapped(people, capsys):
    made = people.apply_mapping(
        [
            ("id", "int", "id", "long"),
            ("n.a", "string", "x.name", "string"),
            ("price", "double", "x.p", "decimal(5,2)"),
            ("ID", "string", "`a.b`", "string"),
            ("nothing", "int", "n", "int"),
        ]
    )
    assert list(kinds(made)) == ["id", "x", "a.b"]
    assert shown(made, capsys)[0] == {"id": 1, "x": {"name": "x"}, "a.b": "1"}


def test_a_nested_frame_becomes_flat_ones(people, capsys):
    tables = people.relationalize("root", "s3://b/tmp/")
    assert set(tables.keys()) == {"root", "root_n.b", "root_l", "root_l.val.q"}
    assert list(kinds(tables["root"])) == ["id", "n.a", "n.b", "l", "q.d", "price"]
    rows = shown(tables["root_l"], capsys)
    assert [row["l.val.u"] for row in rows] == ["p", "r", "s"]
    root = {row["id"]: row.get("l") for row in shown(tables["root"], capsys)}
    assert [row["id"] for row in rows] == [root[1], root[1], root["2"]] and root[3] is None
    (inner,) = shown(tables["root_l.val.q"], capsys)
    assert inner == {"id": rows[0]["l.val.q"], "index": 0, "l.val.q.val": 7}


def test_text_is_unboxed(people, capsys):
    made = people.unbox("`q.d`", "json").select_fields(["id", "`q.d`"])
    assert {"id": "2", "q.d": {"k": 7}} in shown(made, capsys)


def test_functions_see_records(people, capsys):
    assert people.filter(lambda row: row["id"] == 1 or row.price).count() == 2

    def change(row):
        if row["id"] == 3:
            raise ValueError("not this one")
        row["links"] = len(row["l"])
        row["new"] = {"deep": [1, "x"]}
        del row["l"]
        return row

    made = people.map(change)
    assert kinds(made)["links"] == IntegerType() and kinds(made)["n"] == kinds(people)["n"]
    assert shown(made.select_fields(["id", "links", "new"]), capsys) == [
        {"id": "2", "links": 1, "new": {"deep": [1, "x"]}},
        {"id": 1, "links": 2, "new": {"deep": [1, "x"]}},
    ]
    assert (made.stageErrorsCount(), made.errorsCount()) == (1, 1)
    (error,) = made.errorsAsDynamicFrame().toDF().collect()
    assert error["error"]["msg"] == "ValueError: not this one" and "'id': 3" in error["error"]["record"]
    with pytest.raises(ThresholdPassed, match="1 error records reach the stage threshold of 0"):
        made.assertErrorThreshold()
    assert people.map(change, stageThreshold=2).count() == 2
    with pytest.raises(ThresholdPassed, match="reach the total threshold of 1"):
        people.map(change, totalThreshold=1)


def test_frames_are_joined_united_and_merged(people, frame, capsys):
    left, right = people.select_fields(["id", "price"]), people.select_fields(["id", "n"])
    joined = left.join(["id"], ["id"], right)
    assert list(kinds(joined)) == ["id", "price", ".id", "n"] and joined.count() == 3
    both = left.union(frame('{"id": 9, "price": 2, "k": true}'))
    assert kinds(both)["price"] == ChoiceType([DoubleType(), IntegerType()])
    assert {"id": 9, "price": 2, "k": True} in shown(both, capsys)
    source, stage = frame('{"k": 1, "v": "old"}', '{"k": 2, "v": "old"}'), frame('{"k": 2, "v": "new"}')
    assert shown(source.mergeDynamicFrame(stage, ["k"]), capsys) == [{"k": 1, "v": "old"}, {"k": 2, "v": "new"}]


def test_frames_are_split(people):
    rows = people.split_rows({"price": {">": 1, "<": 2}}, "yes", "no")
    assert (rows["yes"].count(), rows["no"].count()) == (1, 2)
    fields = people.split_fields(["id"], "one", "rest")
    assert list(kinds(fields["one"])) == ["id"] and "id" not in kinds(fields["rest"])


def test_transforms_are_classes(frame):
    from lakemill.glueetl import transforms

    made = frame('{"a": 1, "b": null}', '{"a": 1, "b": null}')
    assert list(kinds(transforms.DropNullFields.apply(made))) == ["a"]
    assert transforms.DropDuplicates.apply(made, columns=["a"]).count() == 1
    parts = made.split_fields(["a"], "x", "y")
    assert list(kinds(transforms.SelectFromCollection.apply(parts, "x"))) == ["a"]
    mapped = transforms.FlatMap.apply(parts, transforms.DropFields, "frame", paths=["b"])
    assert {name: list(kinds(one)) for name, one in mapped.items()} == {"x": ["a"], "y": []}


def test_what_there_is_not_has_a_name(people, spark):
    from pyspark.context import SparkContext

    with pytest.raises(NotImplementedError, match=r"SparkContext\.parallelize is not provided"):
        SparkContext.getOrCreate().parallelize([1])
    with pytest.raises(NotImplementedError, match=r"DataFrame\.rdd is not provided"):
        _ = people.toDF().rdd
    with pytest.raises(AttributeError, match=r"DynamicFrame\.simplify_ddb_json is not provided"):
        people.simplify_ddb_json()
    with pytest.raises(ValueError, match="The format ion is not supported: Amazon Ion"):
        from lakemill.glueetl import reading

        reading.format_of("ion")
    with pytest.raises(TypeError, match="unexpected argument 'nonsense'"):
        people.select_fields(["id"], nonsense=1)


def test_files_that_differ_in_a_type_are_a_choice(spark, tmp_path, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet

    from lakemill.glueetl import reading
    from lakemill.glueetl.objects import Stored

    tables = (pa.table({"a": [1], "b": ["x"]}), pa.table({"a": ["q"]}), pa.table({"a": [2], "c": [True]}))
    found = []
    for number, table in enumerate(tables):
        pa.parquet.write_table(table, tmp_path / f"{number}.parquet")
        found.append(Stored("", f"{tmp_path}/{number}.parquet", 1, 0, ""))
    monkeypatch.setattr(Stored, "uri", property(lambda self: f"file://{self.key}"))
    groups = [reading.Group(found, (("day", IntegerType(), "7"),))]
    frame, schema = reading.frame(groups, "parquet", {})
    assert [(field.name, field.dataType.typeName()) for field in schema] == [
        *(("a", "choice"), ("b", "string"), ("c", "boolean"), ("day", "int")),
    ]
    assert sorted(str(row["a"]["string"] or row["a"]["long"]) for row in frame.collect()) == ["1", "2", "q"]


def test_a_context_has_its_name_and_takes_no_files(spark):
    from pyspark import SparkContext

    if SparkContext._active is not None:
        SparkContext._active.stop()
    with SparkContext("local", "named") as context:
        assert context.appName == "named"
    with pytest.raises(ValueError, match="--extra-py-files"):
        SparkContext(pyFiles=["a.py"])
