import pytest


@pytest.fixture
def table(lake, rows):
    rows("CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (day string, n int) LOCATION 's3://lake/t/'")
    return lambda: {
        tuple(one["Values"]): one["StorageDescriptor"]["Location"] for one in lake.partitions("default", "t", None)
    }


def test_partitions_are_added_where_the_statement_or_hive_puts_them(table, rows, failure):
    rows("ALTER TABLE t ADD PARTITION (day='a b', n=1) LOCATION 's3://lake/x/' PARTITION (n=2, day='12:00')")
    assert table() == {("a b", "1"): "s3://lake/x/", ("12:00", "2"): "s3://lake/t/day=12%3A00/n=2/"}
    assert "AlreadyExistsException" in failure("ALTER TABLE t ADD PARTITION (day='a b', n=1)")
    rows("ALTER TABLE t ADD IF NOT EXISTS PARTITION (day='a b', n=1) PARTITION (day='c', n=1)")
    assert rows("SHOW PARTITIONS t") == ["day=12%3A00/n=2", "day=a b/n=1", "day=c/n=1"]
    assert rows("SHOW PARTITIONS t PARTITION (n = 2)") == ["day=12%3A00/n=2"]


def test_partitions_are_dropped_by_comparison(table, rows, failure):
    rows("ALTER TABLE t ADD " + " ".join(f"PARTITION (day='{day}', n={n})" for day in "ab" for n in (1, 2, 10)))
    rows("ALTER TABLE t DROP PARTITION (day='a', n>1), PARTITION (n=1)")
    assert set(table()) == {("b", "2"), ("b", "10")}
    assert "Partition not found (day = 'z')" in failure("ALTER TABLE t DROP PARTITION (day='z')")
    rows("ALTER TABLE t DROP IF EXISTS PARTITION (day='z')")
    assert "Non-Partition column" in failure("ALTER TABLE t DROP PARTITION (a=1)")


def test_partitions_are_renamed_and_moved(table, rows, failure):
    rows("ALTER TABLE t ADD PARTITION (day='a', n=1) PARTITION (day='b', n=1)")
    rows("ALTER TABLE t PARTITION (day='a', n=1) RENAME TO PARTITION (day='c', n=3)")
    rows("ALTER TABLE t PARTITION (day='b', n=1) SET LOCATION 's3://lake/elsewhere/'")
    assert table() == {("c", "3"): "s3://lake/t/day=a/n=1/", ("b", "1"): "s3://lake/elsewhere/"}
    assert "AlreadyExistsException" in failure(
        "ALTER TABLE t PARTITION (day='b', n=1) RENAME TO PARTITION (day='c', n=3)"
    )
    assert "Partition not found" in failure("ALTER TABLE t PARTITION (day='z', n=1) SET LOCATION 's3://lake/z/'")


def test_repair_adds_what_hives_names_of_folders_show(lake, table, rows):
    for name in ("day=a/n=1/1", "day=a/n=1/2", "day=12%3A00/n=2/deep/1", "day=b/1", "other/n=1/1", "Day=c/n=1/1"):
        lake.put(f"s3://lake/t/{name}", b"1\n")
    assert rows("MSCK REPAIR TABLE t") == [
        "Partitions not in metastore:\tt:day=12%3A00/n=2\tt:day=a/n=1",
        "Repair: Added partition to metastore t:day=12%3A00/n=2",
        "Repair: Added partition to metastore t:day=a/n=1",
    ]
    assert table() == {("12:00", "2"): "s3://lake/t/day=12%3A00/n=2/", ("a", "1"): "s3://lake/t/day=a/n=1/"}
    assert rows("MSCK REPAIR TABLE t") == []


def test_a_table_without_partitions_says_so(rows, failure):
    rows("CREATE EXTERNAL TABLE u (a int) LOCATION 's3://lake/u/'")
    for text in ("SHOW PARTITIONS u", "MSCK REPAIR TABLE u", "ALTER TABLE u ADD PARTITION (a=1)"):
        assert failure(text) == "FAILED: SemanticException [Error 10241]: Table u is not a partitioned table"
