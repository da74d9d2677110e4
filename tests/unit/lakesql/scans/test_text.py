import bz2
import datetime
import gzip
from decimal import Decimal

import cramjam
import pyarrow as pa
import pytest

from lakemill.formats import compression
from lakemill.lakesql.errors import SqlFailed

OPENCSV = "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'"
COMMAS = "ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"


@pytest.fixture
def table(lake, rows):
    def create(columns, form, *files, properties=""):
        for number, data in enumerate(files):
            lake.put(f"s3://lake/t/{number}.txt", data)
        rows(f"CREATE EXTERNAL TABLE t ({columns}) {form} LOCATION 's3://lake/t/' {properties}")

    return create


def test_lines_with_too_few_or_too_many_fields_are_rows(table, values):
    table("a int, b string", COMMAS, b"1,x\n2\n3,y,more\n\n4,z", b"5,p,q,r\n6,s,t,u\n")
    found = values("SELECT a, b FROM t")
    assert sorted(found, key=str) == sorted(
        [(1, "x"), (2, None), (3, "y"), (None, ""), (4, "z"), (5, "p"), (6, "s")], key=str
    )


@pytest.mark.parametrize(
    ("type", "text", "value"),
    [
        ("int", "12", 12), ("int", "-7", -7), ("int", "1.9", 1), ("int", "abc", None), ("int", "", None),
        ("int", "1e3", None), ("int", "1_000", None), ("int", "5000000000", None), ("bigint", "5000000000", 5000000000),
        ("tinyint", "200", None), ("double", "1e3", 1000.0), ("double", "x", None), ("boolean", "TRUE", True),
        ("boolean", "1", None), ("decimal(5,2)", "1.255", Decimal("1.26")), ("decimal(3,2)", "100", None),
        ("date", "2024-02-29", datetime.date(2024, 2, 29)), ("date", "2023-02-29", None),
        ("timestamp", "2024-02-29 12:00:00.5", datetime.datetime(2024, 2, 29, 12, 0, 0, 500000)),
        ("string", "", ""), ("string", "\\N", None), ("varchar(2)", "abc", "ab"), ("binary", "aGk=", b"hi"),
    ],
)  # fmt: skip
def test_a_field_becomes_its_columns_value_or_null(table, values, type, text, value):
    table(f"a string, v {type}", COMMAS, f"x,{text}\n".encode())
    assert values("SELECT v FROM t") == [(value,)]


def test_collections_have_delimiters_of_their_own(table, values):
    form = f"{COMMAS} COLLECTION ITEMS TERMINATED BY ';' MAP KEYS TERMINATED BY ':'"
    line = b"1;2;x,k:1;l:2,5;text\n,,\n\\N,\\N,\\N\n"
    table("a array<int>, m map<string,int>, s struct<n:int,t:string>", form, line)
    assert values("SELECT a, m, s FROM t") == [
        ([1, 2, None], [("k", 1), ("l", 2)], {"n": 5, "t": "text"}),
        ([], [], {"n": None, "t": None}),
        (None, None, None),
    ]


def test_control_characters_are_the_delimiters_by_default(table, values):
    table("a string, l array<array<string>>", "", b"x\x01p\x03q\x02r\n")
    assert values("SELECT a, l FROM t") == [("x", [["p", "q"], ["r"]])]


def test_escape_characters_are_taken_away_and_nulls_are_kept_apart(table, values):
    table("a string, b string", f"{COMMAS} ESCAPED BY '\\\\'", b"x\\,y,\\N\nN,\\\\N\n")
    assert values("SELECT a, b FROM t") == [("x,y", None), ("N", "\\N")]


def test_headers_are_passed_over_in_every_file(table, values):
    table("a int", COMMAS, b"a\n1\n", b"a\n2\n", b"a\n", properties="TBLPROPERTIES ('skip.header.line.count' = '1')")
    assert sorted(values("SELECT a FROM t")) == [(1,), (2,)]


def test_only_the_last_columns_of_wide_lines_may_be_wanted(table, values):
    table("a int, b int, c int, d string", COMMAS, b"1,2,3,x\r\n4,5,6,\xff\r\n")
    assert values("SELECT d FROM t") == [("x",), ("�",)]
    assert values("SELECT count(*) FROM t") == [(2,)]


@pytest.mark.parametrize(
    ("end", "pack"),
    [
        (".gz", lambda data: gzip.compress(data[:4]) + gzip.compress(data[4:])),
        (".bz2", bz2.compress),
        (".zst", lambda data: bytes(cramjam.zstd.compress(data))),
        (".snappy", lambda data: compression.compress(data, "HADOOP_SNAPPY")),
        (".snappy", lambda data: compression.compress(data, "Snappy")),
        (".lz4", lambda data: pa.compress(data, "lz4", asbytes=True)),
    ],
    ids=["gz", "bz2", "zst", "hadoop", "framed", "lz4"],
)
def test_the_end_of_a_name_says_how_an_object_is_packed(lake, table, values, end, pack):
    table("a int, b string", COMMAS)
    packed = pack(b"1,x\n2,y\n")
    lake.put(f"s3://lake/t/1.csv{end}", packed)
    assert values("SELECT a, b FROM t") == [(1, "x"), (2, "y")]
    assert values.bytes == len(packed)


def test_what_does_not_unpack_is_an_error_that_names_the_object(lake, table, values):
    table("a int", COMMAS)
    lake.put("s3://lake/t/1.gz", b"1\n2\n")
    with pytest.raises(SqlFailed, match=r"HIVE_CURSOR_ERROR: Failed to read file: s3://lake/t/1.gz"):
        values("SELECT a FROM t")
    lake.put("s3://lake/t/1.lzo", b"1\n2\n")


def test_quoted_fields_may_hold_delimiters_quotes_and_lines(table, values):
    table("a string, b string, c int", OPENCSV, b'"x, ""y""","one\ntwo",3\nplain,"q\\"r","4"\nonly\n')
    assert sorted(values("SELECT a, b, c FROM t")) == [
        ("only", None, None),
        ("plain", 'q"r', 4),
        ('x, "y"', "one\ntwo", 3),
    ]


def test_quotes_and_separators_may_be_others(table, values):
    table(
        "a string, b double",
        f"{OPENCSV} WITH SERDEPROPERTIES ('separatorChar' = '\\t', 'quoteChar' = \"'\")",
        b"'x\ty'\t1.5\n",
    )
    assert values("SELECT a, b FROM t") == [("x\ty", 1.5)]


def test_a_quoted_field_that_is_no_value_is_bad_data_that_names_field_file_and_line(table, values):
    table("a string, b int", OPENCSV, b'"x\nx",1\ny,two\n')
    with pytest.raises(SqlFailed) as failed:
        values("SELECT b FROM t")
    assert str(failed.value) == (
        "HIVE_BAD_DATA: Error parsing field value 'two' for field 1: For input string: \"two\" in s3://lake/t/0.txt, "
        "line 3"
    )
    assert values("SELECT a FROM t") == [("x\nx",), ("y",)]


def test_opencsv_has_dates_as_days_and_timestamps_as_milliseconds(table, values):
    table("d date, t timestamp, b boolean", OPENCSV, b"19782,1709208000500,TRUE\n")
    assert values("SELECT d, t, b FROM t") == [
        (datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 0, 0, 500000), True)
    ]


def test_expressions_cut_lines_into_columns(table, values):
    form = "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe' WITH SERDEPROPERTIES ('input.regex' = '{}')"
    table("h string, n int", form.format(r"^(\\S+) \\[([^\\]]*)\\]$"), b"one [1]\nother\ntwo [x]\n")
    assert values("SELECT h, n FROM t") == [("one", 1), (None, None), ("two", None)]


def test_expressions_that_only_java_has_work_too(table, values):
    form = "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe' WITH SERDEPROPERTIES ('input.regex' = '{}')"
    table("a string, b string", form.format(r"(?!#)(\\w+)=(\\w+)"), b"#c=d\nk=v\n")
    assert values("SELECT a, b FROM t") == [(None, None), ("k", "v")]


def test_grok_expressions_cut_lines_into_columns(table, values):
    options = "'input.format' = '%{IP:client} %{CODE:code:int}', 'input.grokCustomPatterns' = 'CODE [A-Z]?[0-9]+'"
    form = f"ROW FORMAT SERDE 'com.amazonaws.glue.serde.GrokSerDe' WITH SERDEPROPERTIES ({options})"
    table("client string, code int", form, b"10.0.0.1 7\nnothing\n10.0.0.2 A7\n")
    assert values("SELECT client, code FROM t") == [("10.0.0.1", 7), (None, None), ("10.0.0.2", None)]


def test_a_grok_expression_that_is_none_is_an_error(table, values):
    form = "ROW FORMAT SERDE 'com.amazonaws.glue.serde.GrokSerDe' WITH SERDEPROPERTIES ('input.format' = '%{ABSENT:a}')"
    table("a string", form, b"x\n")
    with pytest.raises(SqlFailed, match="Invalid grok pattern: No pattern is named ABSENT"):
        values("SELECT a FROM t")
