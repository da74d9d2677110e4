"""Tables that change their columns, properties and names."""

import pytest

CREATE = """CREATE TABLE things (id int COMMENT 'a number', name string, price float, at timestamp)
    PARTITIONED BY (day(at)) LOCATION 's3://lake/things'
    TBLPROPERTIES ('table_type'='ICEBERG', 'format'='parquet', 'write_compression'='zstd')"""


@pytest.fixture
def things(done):
    done(CREATE)
    done("INSERT INTO things VALUES (1, 'pen', REAL '1.5', TIMESTAMP '2024-01-01 10:00:00')")


def test_old_files_are_read_by_field_ids(things, done, rows):
    done("ALTER TABLE things ADD COLUMNS (n bigint, parts array<struct<a:int,b:string>>)")
    done("ALTER TABLE things CHANGE COLUMN id number bigint FIRST")
    done("ALTER TABLE things CHANGE COLUMN price price double AFTER number")
    done("ALTER TABLE things DROP COLUMN name")
    done("ALTER TABLE things ADD COLUMNS (name string)")
    done("INSERT INTO things (number, name, n) VALUES (BIGINT '3000000000', 'ink', 7)")
    assert rows("SELECT number, price, name, n, parts FROM things ORDER BY 1") == [
        '"1","1.5",,,',
        '"3000000000",,"ink","7",',
    ]
    assert rows("SELECT number FROM things WHERE number = 1") == ['"1"']
    done("ALTER TABLE things REPLACE COLUMNS (number bigint, name string, at timestamp, extra int)")
    assert rows("SHOW COLUMNS IN things") == [f"{one:<20}" for one in ("number", "at", "name", "extra")]
    assert rows("SELECT * FROM things WHERE name IS NULL") == ['"1","2024-01-01 10:00:00.000000",,']


def test_tables_are_described(things, done, rows):
    assert rows("DESCRIBE things")[2:] == [
        "id\tint\ta number", "name\tstring\t", "price\tfloat\t", "at\ttimestamp\t", "\t\t", "# Partition spec:\t\t",
        "# field_name\tfield_transform\tcolumn_name", "at_day\tday\tat",
    ]  # fmt: skip
    done("ALTER TABLE things SET TBLPROPERTIES ('vacuum_min_snapshots_to_keep'='3')")
    assert "\n".join(rows("SHOW CREATE TABLE things")) == (
        "CREATE TABLE `default.things`(\n  `id` int COMMENT 'a number', \n  `name` string, \n  `price` float, \n"
        "  `at` timestamp)\nPARTITIONED BY (day(`at`))\nLOCATION\n  's3://lake/things'\nTBLPROPERTIES (\n"
        "  'format'='parquet', \n  'table_type'='iceberg', \n  'vacuum_min_snapshots_to_keep'='3', \n"
        "  'write_compression'='zstd')"
    )
    assert rows("SHOW TBLPROPERTIES things('vacuum_min_snapshots_to_keep')") == ["3"]
    done("ALTER TABLE things UNSET TBLPROPERTIES ('vacuum_min_snapshots_to_keep')")
    assert "does not have property" in rows("SHOW TBLPROPERTIES things('vacuum_min_snapshots_to_keep')")[0]


def test_a_table_is_renamed_and_dropped_with_its_data(things, done, rows, lake):
    done("ALTER TABLE things RENAME TO default.others")
    assert rows("SELECT id FROM others") == ['"1"']
    assert rows("SHOW TABLES") == ["others"]
    done("DROP TABLE others")
    assert list(lake.objects("s3://lake/things/")) == []
