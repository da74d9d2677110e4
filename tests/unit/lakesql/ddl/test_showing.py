import io

import pandas as pd
import pytest
from awswrangler.athena import _utils

from lakemill.lakesql import viewing
from lakemill.lakesql.types import INTEGER, VARCHAR
from tests.unit.lakesql.ddl.test_tables import ALL


@pytest.fixture
def table(lake, rows):
    lake.create_database({"Name": "my db"})
    rows(ALL)
    lake.create_table(
        "my db", viewing.document("v", "SELECT 1 AS a, 'x' AS b", "my db", [("a", INTEGER), ("b", VARCHAR)])
    )


def test_what_show_create_tells_makes_the_same_table(table, lake, rows):
    before = lake.table("my db", "t")
    text = "\n".join(rows("SHOW CREATE TABLE `my db`.t"))
    assert text.startswith("CREATE EXTERNAL TABLE `my db.t`(\n  `id` int COMMENT 'it\\'s \\'the\\' key', \n")
    lake.drop_table("my db", "t")
    rows(text)
    after = lake.table("my db", "t")
    for one in (before, after):
        one["StorageDescriptor"]["SerdeInfo"]["Parameters"].pop("serialization.format")
    assert after == before


def test_awswrangler_understands_describe(table, rows):
    text = "\n".join(rows("DESCRIBE t", database="my db"))
    frame = pd.read_csv(io.StringIO(text), sep="\t", names=["col_name", "data_type", "comment"], keep_default_na=False)
    found = _utils._parse_describe_table(frame)
    assert found["Column Name"].tolist() == ["id", "tags", "price", "name", "day", "n"]
    assert found["Partition"].tolist() == [False] * 4 + [True] * 2
    assert found["Comment"].tolist()[0] == "it's 'the' key"
    assert found["Type"].tolist()[4] == "string"


def test_describe_lays_columns_out_as_hive_does(table, rows):
    lines = rows("DESCRIBE `my db`.`t`")
    assert lines[2] == "price               \tdecimal(10,2)       \t                    "
    assert lines[6:10] == [
        " \t \t ",
        "# Partition Information\t \t ",
        "# col_name            \tdata_type           \tcomment             ",
        " \t \t ",
    ]
    assert rows("DESCRIBE `my db`.t price") == [lines[2]]


def test_describe_formatted_and_extended_tell_where_the_table_is(table, rows):
    assert any("Location:" in line and "s3://lake/t/" in line for line in rows("DESCRIBE FORMATTED `my db`.t"))
    assert any("Location:s3://lake/t/" in line for line in rows("DESCRIBE EXTENDED `my db`.t"))


def test_tables_and_views_are_listed(table, rows, failure):
    assert rows("SHOW TABLES", database="my db") == ["t", "v"]
    assert rows("SHOW TABLES IN `my db` 't*'") == ["t"]
    assert rows("SHOW VIEWS IN `my db`") == ["v"]
    assert rows("SHOW COLUMNS IN t IN `my db`")[:2] == ["id                  ", "tags                "]
    assert "Database does not exist: absent" in failure("SHOW TABLES IN absent")


def test_a_view_tells_its_statement(table, rows, failure):
    assert rows("SHOW CREATE VIEW `my db`.v") == ["CREATE VIEW my db.v AS", "SELECT 1 AS a, 'x' AS b"]
    assert "is not a view" in failure("SHOW CREATE VIEW `my db`.t")
    assert rows("DESCRIBE `my db`.v")[0].split() == ["a", "int"]
