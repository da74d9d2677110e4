import re

import pytest

from lakemill.lakesql.interface import LakeRefused

ALL = r"""
CREATE EXTERNAL TABLE IF NOT EXISTS `My Db`.`t` ( -- a comment
  `Id` INT COMMENT 'it''s \'the\' key',
  tags array< struct<A:int , b:map<string,decimal(5,2)>>>,
  price decimal(10,2), name varchar(20)
)
COMMENT 'sales'
PARTITIONED BY (day string COMMENT 'of sale', n bigint)
CLUSTERED BY (id) INTO 4 BUCKETS
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' ESCAPED BY '\\' COLLECTION ITEMS TERMINATED BY '\002'
  MAP KEYS TERMINATED BY ':' LINES TERMINATED BY '\n' NULL DEFINED AS ''
STORED AS TEXTFILE
LOCATION 's3://lake/t/'
TBLPROPERTIES ('skip.header.line.count'='1', "classification"="csv");
"""


def test_every_clause_of_create_is_in_the_tables_document(lake, rows):
    lake.create_database({"Name": "my db"})
    rows(ALL)
    document = lake.table("my db", "t")
    assert int(document["Parameters"].pop("transient_lastDdlTime")) > 1_700_000_000
    assert document == {
        "Name": "t",
        "DatabaseName": "my db",
        "Description": "sales",
        "Owner": "hadoop",
        "Retention": 0,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "comment": "sales", "skip.header.line.count": "1", "classification": "csv"},
        "PartitionKeys": [{"Name": "day", "Type": "string", "Comment": "of sale"}, {"Name": "n", "Type": "bigint"}],
        "StorageDescriptor": {
            "Columns": [
                {"Name": "id", "Type": "int", "Comment": "it's 'the' key"},
                {"Name": "tags", "Type": "array<struct<a:int,b:map<string,decimal(5,2)>>>"},
                {"Name": "price", "Type": "decimal(10,2)"},
                {"Name": "name", "Type": "varchar(20)"},
            ],
            "Location": "s3://lake/t/",
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "Compressed": False,
            "NumberOfBuckets": 4,
            "BucketColumns": ["id"],
            "SortColumns": [],
            "Parameters": {},
            "StoredAsSubDirectories": False,
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                "Parameters": {
                    "serialization.format": "\t",
                    "field.delim": "\t",
                    "escape.delim": "\\",
                    "collection.delim": "\x02",
                    "mapkey.delim": ":",
                    "line.delim": "\n",
                    "serialization.null.format": "",
                },
            },
        },
    }


@pytest.mark.parametrize(
    ("clauses", "serde", "input_format"),
    [
        ("STORED AS PARQUET", "ql.io.parquet.serde.ParquetHiveSerDe", "ql.io.parquet.MapredParquetInputFormat"),
        ("STORED AS ORC", "ql.io.orc.OrcSerde", "ql.io.orc.OrcInputFormat"),
        ("STORED AS AVRO", "serde2.avro.AvroSerDe", "ql.io.avro.AvroContainerInputFormat"),
        ("", "serde2.lazy.LazySimpleSerDe", "TextInputFormat"),
        ("ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES ('a' = 'b')",
         "openx.data.jsonserde.JsonSerDe", "TextInputFormat"),
        ("ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' STORED AS INPUTFORMAT "
         "'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat' OUTPUTFORMAT 'x.Y'",
         "ParquetHiveSerDe", "MapredParquetInputFormat"),
    ],
)  # fmt: skip
def test_formats_have_their_classes(lake, rows, clauses, serde, input_format):
    rows(f"CREATE EXTERNAL TABLE t (a int) {clauses} LOCATION 's3://lake/t'")
    descriptor = lake.table("default", "t")["StorageDescriptor"]
    assert descriptor["SerdeInfo"]["SerializationLibrary"].endswith(serde)
    assert descriptor["InputFormat"].endswith(input_format)
    assert descriptor["SerdeInfo"]["Parameters"]["serialization.format"] == "1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CREATE EXTERNAL TABLE t (a int)", "FAILED: Execution Error, return code 1 .*location is required"),
        ("CREATE EXTERNAL TABLE t (a int) LOCATION 's3a://lake/t/'", "FAILED: SemanticException .*s3a://lake/t/"),
        ("CREATE EXTERNAL TABLE t (a int) LOCATION 's3://lake/*'", "FAILED: SemanticException .*wildcards"),
        ("CREATE EXTERNAL TABLE t (a int, A string) LOCATION 's3://lake/t/'", "FAILED: .*Duplicate column name: a"),
        ("CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (a int) LOCATION 's3://lake/t/'", "FAILED: .*repeated"),
        ("CREATE EXTERNAL TABLE t (a integr) LOCATION 's3://lake/t/'", "line 1:28: Column type is unknown: .*integr"),
        ("CREATE EXTERNAL TABLE t (a int) STORED AS EXCEL LOCATION 's3://lake/t/'", "FAILED: .*'EXCEL'"),
        ("CREATE EXTERNAL TABLE t (a int) ROW FORMAT SERDE 'x.Y' LOCATION 's3://lake/t/'", "FAILED: .*serde: x.Y"),
        ("CREATE EXTERNAL TABLE t (a int) LOCATION s3", "line 1:42: mismatched input 's3'. Expecting: 'STRING'"),
        ("CREATE EXTERNAL TABLE t (a int", "line 1:31: mismatched input '<EOF>'. Expecting: '\\)'"),
        ("CREATE EXTERNAL TABLE t\n  (a int) LOCATED 's3://lake/t/'", "line 2:11: mismatched input 'LOCATED'"),
        ("CREATE EXTERNAL TABLE t (a int) LOCATION 's3://lake", "line 1:.*does not end"),
        ("CREATE EXTERNAL TABLE absent.t (a int) LOCATION 's3://lake/t/'", "FAILED: .*Database does not exist: absent"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_create_is_said(failure, text, message):
    assert re.match(message, failure(text)), failure(text)


def test_a_statement_that_cannot_be_parsed_is_refused_at_the_start(carried):
    assert carried("DROP TABLE").at_start and carried("ALTER TABLE t JUMP").at_start
    assert not carried("DROP TABLE absent").at_start


def test_a_table_that_is_there_already_is_an_error_unless_asked_not_to_be(lake, rows, failure):
    rows("CREATE EXTERNAL TABLE t (a int) LOCATION 's3://lake/t/'")
    assert failure("CREATE EXTERNAL TABLE t (b int) LOCATION 's3://lake/t/'") == (
        "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
        "AlreadyExistsException(message:Table t already exists)"
    )
    rows("CREATE EXTERNAL TABLE IF NOT EXISTS t (b int) LOCATION 's3://lake/t/'")
    assert lake.table("default", "t")["StorageDescriptor"]["Columns"] == [{"Name": "a", "Type": "int"}]


def test_dropping_a_table_leaves_its_objects(lake, rows, failure):
    lake.put("s3://lake/t/1", b"x")
    rows("CREATE EXTERNAL TABLE t (a int) LOCATION 's3://lake/t/'")
    rows("DROP TABLE t")
    assert lake.path("s3://lake/t/1").exists()
    assert failure("DROP TABLE t") == "FAILED: SemanticException [Error 10001]: Table not found default.t"
    rows("DROP TABLE IF EXISTS t")


def test_what_the_catalog_refuses_is_told(lake, failure):
    lake.refused["create_table"] = LakeRefused("AccessDeniedException", "not authorized to perform: glue:CreateTable")
    message = failure("CREATE EXTERNAL TABLE t (a int) LOCATION 's3://lake/t/'")
    assert message.startswith("FAILED: Execution Error, return code 1") and "glue:CreateTable" in message


def test_databases_are_made_shown_and_dropped(lake, rows, failure):
    rows("CREATE SCHEMA Sales COMMENT 'x' LOCATION 's3://lake/sales/' WITH DBPROPERTIES ('k' = 'v')")
    assert lake.database("sales") == {
        "Name": "sales", "Description": "x", "LocationUri": "s3://lake/sales/", "Parameters": {"k": "v"}
    }  # fmt: skip
    assert "AlreadyExistsException(message:Database sales already exists)" in failure("CREATE DATABASE sales")
    rows("CREATE DATABASE IF NOT EXISTS sales")
    rows("CREATE EXTERNAL TABLE sales.t (a int) LOCATION 's3://lake/t/'")
    assert rows("SHOW DATABASES") == ["default", "sales"] and rows("SHOW SCHEMAS LIKE 's*|x'") == ["sales"]
    assert "InvalidOperationException" in failure("DROP DATABASE sales")
    rows("DROP DATABASE sales CASCADE")
    assert "Database does not exist: sales" in failure("DROP DATABASE sales")
    rows("DROP DATABASE IF EXISTS sales")


def test_columns_are_added_replaced_and_changed(lake, rows, failure):
    rows("CREATE EXTERNAL TABLE t (a int COMMENT 'x', b string) PARTITIONED BY (p int) LOCATION 's3://lake/t/'")

    def columns():
        there = lake.table("default", "t")["StorageDescriptor"]["Columns"]
        return [(one["Name"], one["Type"], *([one["Comment"]] if "Comment" in one else [])) for one in there]

    rows("ALTER TABLE t ADD COLUMNS (c double, d date COMMENT 'y')")
    assert columns() == [("a", "int", "x"), ("b", "string"), ("c", "double"), ("d", "date", "y")]
    rows("ALTER TABLE t CHANGE COLUMN c cc bigint FIRST")
    rows("ALTER TABLE t CHANGE a a bigint COMMENT 'z' AFTER b")
    assert columns() == [("cc", "bigint"), ("b", "string"), ("a", "bigint", "z"), ("d", "date", "y")]
    assert "Invalid column reference q" in failure("ALTER TABLE t CHANGE q r int")
    assert "Duplicate column name: p" in failure("ALTER TABLE t ADD COLUMNS (p int)")
    rows("ALTER TABLE t REPLACE COLUMNS (only string)")
    assert columns() == [("only", "string")]


def test_location_and_properties_are_set(lake, rows):
    rows("CREATE EXTERNAL TABLE t (a int) LOCATION 's3://lake/t/'")
    rows("ALTER TABLE t SET LOCATION 's3://lake/u/'")
    rows("ALTER TABLE t SET TBLPROPERTIES ('k' = 'v', 'EXTERNAL' = 'TRUE')")
    table = lake.table("default", "t")
    assert table["StorageDescriptor"]["Location"] == "s3://lake/u/" and table["Parameters"]["k"] == "v"
    assert rows("SHOW TBLPROPERTIES t('k')") == ["v"]
    assert "k\tv" in rows("SHOW TBLPROPERTIES t")
