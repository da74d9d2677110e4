"""Which folders become which tables."""

import pytest

from lakemill.engines.crawling.definitions import columns_beside, distinct_name, table_name
from lakemill.engines.crawling.folders import FILES_MAX, Tree
from lakemill.engines.crawling.globs import matcher
from lakemill.engines.crawling.grouping import Grouping, partition_keys, partition_values
from lakemill.engines.crawling.plan import Plan, Seen, Target
from lakemill.engines.objects import Listed

ABC = (("a", "int"), ("b", "int"), ("c", "int"))
ABCD = (*ABC, ("d", "int"))
AB = (("a", "int"), ("b", "int"))
XYZ = (("x", "string"), ("y", "string"), ("z", "string"))


def seen(columns, classification="json", **more):
    return Seen(classification=classification, columns=columns, **more)


def tree(keys, exclusions=(), prefix="lake/"):
    found = Tree("lake", prefix, matcher(exclusions))
    found.take(Listed(prefix + key, 10) for key in sorted(keys))
    return found


def tables(files, **options):
    """(path, partition keys, values) of the tables of files: what each is, by its key below lake/."""
    root = tree(files).root
    looked = {}
    for folder in root.walk():
        places = [(place, files[place[0].removeprefix("lake/")]) for place in folder.samples(8)]
        if places:
            looked[folder.path] = places
    grouping = Grouping(looked, **options)
    return {
        one.path.removeprefix("lake/"): (
            one.keys,
            sorted(tuple(partition_values(leaf.names, one.keys)) for leaf in one.leaves if one.keys),
            [name for name, _ in one.seen.columns],
        )
        for one in grouping.tables(root)
    }


def test_folders_that_are_alike_are_partitions_of_the_highest_one():
    found = tables({"t/x/1": seen(ABC), "t/y/2": seen(ABC), "u/z/1": seen(XYZ)})
    assert found == {"t/": (["partition_0"], [("x",), ("y",)], ["a", "b", "c"]), "u/z/": ([], [], ["x", "y", "z"])}


def test_everything_alike_is_one_table_of_the_target():
    found = tables({"t/x/1": seen(ABC), "u/y/2": seen(ABC)})
    assert found == {"": (["partition_0", "partition_1"], [("t", "x"), ("u", "y")], ["a", "b", "c"])}


def test_keys_and_values_of_folders_name_partitions():
    found = tables(
        {"t/year=2023/Day=01/1": seen(ABC), "t/year=2023/Day=a%20b/1": seen(ABC), "t/year=2024/Day=02/1": seen(ABC)}
    )
    assert found["t/"][:2] == (["year", "day"], [("2023", "01"), ("2023", "a b"), ("2024", "02")])


def test_a_single_folder_that_is_a_key_and_value_or_plainly_a_value_is_a_partition():
    assert tables({"t/year=2024/1": seen(ABC)}) == {"t/": (["year"], [("2024",)], ["a", "b", "c"])}
    assert tables({"t/2024/01/31/1": seen(ABC)})["t/"][:2] == (
        ["partition_0", "partition_1", "partition_2"],
        [("2024", "01", "31")],
    )
    assert tables({"t/sub/1": seen(ABC)}) == {"t/sub/": ([], [], ["a", "b", "c"])}


@pytest.mark.parametrize(
    ("first", "second", "one_table"),
    [
        (ABCD, ABC, True),  # Three of four.
        (ABC, AB, False),  # Two of three.
        (ABC, XYZ, False),
        (ABC, (("a", "double"), ("b", "bigint"), ("c", "decimal(5,2)")), True),  # All are numbers.
        (ABC, (("a", "string"), ("b", "int"), ("c", "int")), True),
        ((("col0", "bigint"), ("col1", "string")), (("col0", "string"), ("col1", "string")), False),
    ],
    ids=str,
)
def test_seventy_percent_of_the_columns(first, second, one_table):
    assert (list(tables({"t/x/1": seen(first), "t/y/1": seen(second)})) == ["t/"]) is one_table


def test_under_one_key_columns_may_be_added():
    assert list(tables({"t/d=1/1": seen(AB), "t/d=2/1": seen(ABCD)})) == ["t/"]
    assert tables({"t/d=1/1": seen(AB), "t/d=2/1": seen(ABCD)})["t/"][2] == ["a", "b", "c", "d"]


def test_under_one_key_the_majority_makes_the_table():
    found = tables({"t/d=1/1": seen(ABC), "t/d=2/1": seen(ABC), "t/d=3/1": seen(XYZ)})
    assert {path: one[:2] for path, one in found.items()} == {"t/": (["d"], [("1",), ("2",)]), "t/d=3/": ([], [])}


def test_dates_are_values_as_well():
    found = tables({"t/2024-01-01/1": seen(AB), "t/2024-01-02/1": seen(ABCD)})
    assert found == {"t/": (["partition_0"], [("2024-01-01",), ("2024-01-02",)], ["a", "b", "c", "d"])}


def test_a_value_whose_files_say_nothing_belongs_to_those_beside_it():
    files = {"t/d=1/1": seen((), "UNKNOWN"), "t/d=2/1": seen(ABC), "t/d=3/1": seen((), "UNKNOWN")}
    assert tables(files)["t/"] == (["d"], [("1",), ("2",), ("3",)], ["a", "b", "c"])
    assert sorted(tables({"t/x/1": seen((), "UNKNOWN"), "t/y/1": seen(ABC)})) == ["t/x/", "t/y/"]


def test_a_header_that_is_told_in_one_file_is_one_in_the_others():
    header = {"skip.header.line.count": "1"}
    columns = (("sku", "string"), ("price", "double"))
    headed = seen(columns, "csv", parameters=header)
    texts = seen((("col0", "string"), ("col1", "string")), "csv", first_row=("sku", "price"))
    other = seen((("col0", "string"), ("col1", "string")), "csv", first_row=("apple", "n/a"))
    assert tables({"t/d=1/1": headed, "t/d=2/1": texts})["t/"][1:] == ([("1",), ("2",)], ["sku", "price"])
    assert list(tables({"t/1": headed, "t/2": texts})) == ["t/"]
    assert len(tables({"t/d=1/1": headed, "t/d=2/1": other})) == 2


def test_formats_serdes_and_depths_must_be_the_same():
    assert len(tables({"t/x/1": seen(ABC), "t/y/1": seen(ABC, "csv")})) == 2
    commas, pipes = {"field.delim": ","}, {"field.delim": "|"}
    assert len(tables({"t/x/1": seen(ABC, serde_parameters=commas), "t/y/1": seen(ABC, serde_parameters=pipes)})) == 2
    assert len(tables({"t/x/1": seen(ABC), "t/y/2024/1": seen(ABC)})) == 2


def test_compression_may_differ():
    assert list(tables({"t/x/1": seen(ABC, compression="gzip"), "t/y/1": seen(ABC)})) == ["t/"]


def test_files_of_one_folder_may_have_further_columns():
    assert list(tables({"t/a": seen(AB), "t/b": seen(ABCD)})) == ["t/"]
    assert list(tables({"a": seen(AB), "b": seen(ABCD)})) == ["a", "b"]
    assert list(tables({"part-1.json": seen(AB), "part-22.json": seen(ABCD)})) == [""]


def test_files_that_differ_are_tables_of_their_own():
    assert list(tables({"a.json": seen(ABC), "b.json": seen(XYZ)})) == ["a.json", "b.json"]


def test_files_beside_folders():
    assert list(tables({"1": seen(ABC), "more/2": seen(ABC)})) == [""]
    assert sorted(tables({"1": seen(XYZ), "t/2": seen(ABC), "u/3": seen(AB)})) == ["1", "t/", "u/"]


def test_what_nobody_recognizes_is_left_out_beside_what_somebody_does():
    assert tables({"t/1": seen(ABC), "t/README": seen((), "UNKNOWN")}) == {"t/": ([], [], ["a", "b", "c"])}
    assert list(tables({"t/README": seen((), "UNKNOWN")})) == ["t/"]


def test_the_example_of_glue_s_guide():
    files = {"year=2017/1": seen((("a", "int"), ("b", "int"))), "year=2018/2": seen((("c", "int"), ("d", "int")))}
    assert sorted(tables(files)) == ["year=2017/", "year=2018/"]
    assert tables(files, combine=True)[""] == (["year"], [("2017",), ("2018",)], ["a", "b", "c", "d"])


def test_combining_ignores_schemas_but_not_formats():
    files = {"t/1": seen(ABC), "u/1": seen(XYZ)}
    assert tables(files, combine=True)[""][2] == ["a", "b", "c", "x", "y", "z"]
    assert len(tables(files | {"u/1": seen(XYZ, "csv")}, combine=True)) == 2


def test_the_level_of_tables():
    files = {"a/x/d=1/1": seen(ABC), "a/y/d=1/1": seen(ABC), "b/z/d=1/1": seen(ABC)}
    assert list(tables(files)) == [""]
    assert sorted(tables(files, table_depth=1)) == ["a/", "b/"]
    assert tables(files, table_depth=1)["b/"][0] == ["partition_0", "d"]
    assert sorted(tables(files, table_depth=2)) == ["a/x/", "a/y/", "b/z/"]


def test_a_folder_that_is_a_table_already_stays_one():
    assert tables({"t/green/1": seen(ABC)}, roots=frozenset({"lake/t/"}))["t/"][:2] == (["partition_0"], [("green",)])


def test_hidden_and_empty_and_excluded_objects_are_left_out():
    left_out = ["_SUCCESS", "t/_temporary/0/x", "t/.x.crc", "t_$folder$", "tmp/x", "t/x.csv.metadata"]
    found = tree([*left_out, "t/_year=2024/x", "t/ok"], ["tmp/**", "**.*.metadata"])
    assert {folder.path: folder.count for folder in found.root.walk() if folder.count} == {
        "lake/t/": 1,
        "lake/t/_year=2024/": 1,
    }
    found.take([Listed("lake/t/empty", 0)])
    found.take([Listed("lake/t/cold", 1, "GLACIER")])
    assert found.root.children["t"].count == 1


def test_some_files_of_every_ending_are_looked_at():
    found = tree([f"{number:03}.csv" for number in range(500)] + [f"{number:03}.json.gz" for number in range(3)])
    assert found.root.count == 503
    names = [key.removeprefix("lake/") for key, _ in found.root.samples(FILES_MAX)]
    assert {"000.csv", "499.csv", "000.json.gz", "002.json.gz"} <= set(names)
    assert len(names) <= FILES_MAX


@pytest.mark.parametrize(
    ("pattern", "matches", "misses"),
    [
        ("*.csv", ["a.csv", ".csv"], ["a/b.csv", "a.csv.gz"]),
        ("**.csv", ["a.csv", "a/b/c.csv"], ["a.json"]),
        ("dir/**", ["dir/a", "dir/a/b"], ["dir", "other/a"]),
        ("**.*.metadata", ["x.csv.metadata", "a/x.txt.metadata"], ["x.metadata"]),
        ("?.txt", ["a.txt"], ["ab.txt", "/.txt"]),
        ("[a-c]*", ["abc"], ["d", "a/b"]),
        ("[!a]", ["b"], ["a", "/"]),
        ("{tmp,old}/*", ["tmp/a", "old/a"], ["new/a"]),
        (r"\*.csv", ["*.csv"], ["a.csv"]),
        ("a.b", ["a.b"], ["axb"]),
    ],
)
def test_patterns(pattern, matches, misses):
    found = matcher([pattern])
    assert [one for one in matches if not found(one)] == []
    assert [one for one in misses if found(one)] == []


def test_names():
    plan = Plan("c", "s", "d", (), lambda *given, **more: None, table_prefix="Raw-")
    assert table_name(plan, Target("my-bucket", ""), "") == "raw_my_bucket"
    assert table_name(plan, Target("b", ""), "a/Größe.csv") == "raw_gr__e_csv"
    assert len(table_name(plan, Target("b", ""), "x" * 500)) == 128
    assert len(distinct_name("x" * 128, "s3://b/x")) == 128
    assert partition_keys([("a b=1", "A b=2")], 2) == ["a_b", "a_b_1"]


def test_a_column_that_is_a_partition_key_as_well():
    assert columns_beside(seen((("day", "string"), ("n", "int")), "parquet"), ["day"]) == [("n", "int")]
    columns = columns_beside(seen((("day", "string"), ("day_1", "int")), "csv"), ["day"])
    assert columns == [("day_2", "string"), ("day_1", "int")]
