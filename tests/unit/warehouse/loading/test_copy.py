import bz2
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
import yaml

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.interface import Authorization
from lakemill.warehouse.loading import documents
from tests.unit.warehouse.lakework import refused

CASES = yaml.safe_load((Path("tests/cases/warehouse") / "copy.yaml").read_text())
REFUSED = yaml.safe_load((Path("tests/cases/warehouse") / "refused.yaml").read_text())


@pytest.fixture
def copied(site):
    """Carry out a COPY of a table `t` from s3://lake/t/; its rows, or the failure that was raised."""

    def run(columns, options="", name="t", **objects):
        site.make(name, *columns)
        for key, data in objects.items():
            site.lake.put(f"s3://lake/t/{key}", data if isinstance(data, bytes) else data.encode())
        site.run(f"COPY {name} FROM 's3://lake/t/' IAM_ROLE 'arn:aws:iam::1:role/r' {options}")
        return sorted(site.rows(name), key=str)

    return run


def errors(site):
    return [list(row) for row in site.told("stl_load_errors", "line_number, colname, err_code, err_reason")]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_rows_and_errors_are_those_of_the_case(copied, site, case):
    if "rows" in case:
        found = copied(case["columns"], case.get("options", ""), data=case["data"])
        shown = [[None if value is None else str(value) for value in row] for row in found]
        assert sorted(shown, key=str) == sorted(case["rows"], key=str)
    else:
        with pytest.raises(SqlFailed, match="Load into table 't' failed") as failed:
            copied(case["columns"], case.get("options", ""), data=case["data"])
        assert failed.value.code == "XX000"
    assert errors(site) == case.get("errors", [])


@pytest.mark.parametrize(
    "case", [one for one in REFUSED if one["statement"].startswith("copy")], ids=lambda one: one["statement"]
)
def test_what_cannot_be_is_refused_by_name(site, case):
    site.make("t", "a integer", "b varchar(5)")
    site.lake.put("s3://lake/t/one", b"1|x\n")
    with pytest.raises(SqlFailed) as failed:
        site.run(case["statement"])
    assert (failed.value.code, failed.value.message[: len(case["message"])]) == (case["code"], case["message"])
    assert list(site.scratch.glob("copy-*")) == []


def test_every_key_that_begins_with_the_prefix_is_loaded(site):
    site.make("t", "a integer")
    for key, data in {"data": b"1\n", "data2/x": b"2\n", "other": b"3\n"}.items():
        site.lake.put(f"s3://lake/{key}", data)
    result = site.run("copy t from 's3://lake/data' iam_role default")
    assert result.rows == 2
    assert site.rows("select pg_last_copy_count()") == [(2,)]
    assert result.notices == ["INFO:  Load into table 't' completed, 2 record(s) loaded successfully."]


@pytest.mark.parametrize(
    ("written", "authorization"),
    [
        ("iam_role default", Authorization(role="default")),
        ("IAM_ROLE 'arn:aws:iam::1:role/r'", Authorization(role="arn:aws:iam::1:role/r")),
        ("credentials 'aws_iam_role=arn:aws:iam::1:role/r'", Authorization(role="arn:aws:iam::1:role/r")),
        (
            "with credentials as 'aws_access_key_id=A;aws_secret_access_key=S/+=;token=T='",
            Authorization(access_key_id="A", secret_access_key="S/+=", session_token="T="),
        ),
        (
            "access_key_id 'A' csv secret_access_key 'S' session_token 'T'",
            Authorization(access_key_id="A", secret_access_key="S", session_token="T"),
        ),
    ],
)
def test_the_lake_is_asked_in_the_name_that_the_command_gives(site, written, authorization):
    site.make("t", "a integer")
    site.lake.put("s3://lake/t/one", b"1\n")
    site.run(f"copy t from 's3://lake/t/' {written}")
    assert site.lake.authorizations == [authorization]


def test_a_manifest_names_the_files(site):
    site.make("t", "a integer")
    site.lake.put("s3://lake/one", b"1\n")
    site.lake.put("s3://lake/one2", b"9\n")
    entries = [{"url": "s3://lake/one", "mandatory": True}, {"url": "s3://lake/absent"}]
    site.lake.put("s3://lake/m", json.dumps({"entries": entries}).encode())
    assert site.run("copy t from 's3://lake/m' iam_role default manifest").rows == 1


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"entries": [{"url": "s3://lake/absent", "mandatory": True}]}, "Problem reading manifest file"),
        ({"entries": [{"url": "s3://lake/absent"}]}, "None of the files of the manifest"),
        ({"entries": [{"url": "lake/absent"}]}, "COPY with MANIFEST parameter requires full path of an S3 object"),
        ({"files": []}, "Manifest file is not in correct json format"),
        ([1], "Manifest file is not in correct json format"),
    ],
)
def test_a_manifest_that_cannot_be_used(site, document, message):
    site.make("t", "a integer")
    site.lake.put("s3://lake/m", json.dumps(document).encode())
    with pytest.raises(SqlFailed, match=message):
        site.run("copy t from 's3://lake/m' iam_role default manifest")


def test_columns_that_are_not_named_have_their_default(site):
    site.make("t", "id integer identity(10, 1)", "a integer", "b varchar(5)", "c varchar(5) default 'z' || 1")
    site.lake.put("s3://lake/t/one", b"1|x\n")
    site.run("copy t (a, b) from 's3://lake/t/' iam_role default")
    assert site.rows("t") == [(10, 1, "x", "z1")]
    with pytest.raises(SqlFailed, match="EXPLICIT_IDS is needed"):
        site.run("copy t (id, a) from 's3://lake/t/' iam_role default")
    site.lake.put("s3://lake/t/one", b"77|1\n")
    site.run("copy t (id, a) from 's3://lake/t/' iam_role default explicit_ids")
    assert (77, 1, None, "z1") in site.rows("t")


@pytest.mark.parametrize(
    ("option", "pack"),
    [("gzip", gzip.compress), ("bzip2", bz2.compress), ("zstd", lambda data: pa.compress(data, "zstd", asbytes=True))],
)
def test_packed_files(copied, option, pack):
    members = 1 if option == "zstd" else 2
    packed = pack(b"1|x\n") if members == 1 else pack(b"1|x\n") + pack(b"2|y\n")
    assert len(copied(["a integer", "b varchar(5)"], option, data=packed)) == members


def test_a_file_that_does_not_unpack(copied):
    with pytest.raises(SqlFailed, match="cannot be unpacked with GZIP"):
        copied(["a integer"], "gzip", data=b"1\n")


@pytest.mark.parametrize(
    ("option", "encoding"), [("utf16", "utf-16"), ("'utf16le'", "utf-16-le"), ("iso88591", "latin-1")]
)
def test_other_encodings(copied, option, encoding):
    assert copied(["a varchar(9)"], f"encoding as {option}", data="é\n".encode(encoding)) == [("é",)]


def test_bytes_that_are_not_utf_8(copied, site):
    with pytest.raises(SqlFailed, match="stl_load_errors"):
        copied(["a varchar(9)"], data=b"x\n\xe9\n")
    assert errors(site)[0][:3] == [2, "", 1220]
    assert copied(["a varchar(9)"], "acceptinvchars as '^'", name="u", data=b"x\n\xe9\xe9\n") == [("^^",), ("x",)]


def test_a_mark_of_the_order_of_bytes_is_no_part_of_a_field(copied):
    assert copied(["a integer"], data="\ufeff1\n") == [(1,)]


def test_paths_of_json_are_matched_by_place(site):
    site.make("t", "a integer", "b varchar(9)")
    site.lake.put("s3://lake/t/one", b'{"x": {"y": [1, 2]}, "b c": "z"}')
    site.lake.put("s3://lake/p", b'{"jsonpaths": ["$.x.y[1]", "$[\'b c\']"]}')
    site.run("copy t from 's3://lake/t/' iam_role default json 's3://lake/p'")
    assert site.rows("t") == [(2, "z")]
    site.lake.put("s3://lake/p", b'{"jsonpaths": ["$.x"]}')
    with pytest.raises(SqlFailed, match="Number of jsonpaths and the number of columns should match"):
        site.run("copy t from 's3://lake/t/' iam_role default json 's3://lake/p'")


def _file(table, path, format):
    if format == "parquet":
        pq.write_table(table, path)
    else:
        pyarrow.orc.write_table(table, path)


@pytest.mark.parametrize("format", ["parquet", "orc"])
def test_columnar_files_are_matched_by_place(site, format):
    site.make("t", "a bigint", "b varchar(5)", "c decimal(5,2)", "d date", "e timestamp")
    path = site.lake.path("s3://lake/t/one")
    path.parent.mkdir()
    moment = pa.array([1577934245000000, None], pa.timestamp("us"))
    table = pa.table(
        {
            "z": pa.array([1, None], pa.int64()),
            "y": ["x", None],
            "x": pa.array(["1.50", None]).cast(pa.decimal128(5, 2)),
            "w": pa.array([18263, None], pa.int32()).cast(pa.date32()),
            "v": moment,
        }
    )
    _file(table, path, format)
    assert site.run(f"copy t from 's3://lake/t/' iam_role default format as {format}").rows == 2
    assert [str(value) for value in site.rows("t")[0]] == ["1", "x", "1.50", "2020-01-02", "2020-01-02 03:04:05"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["a integer"], "incompatible Parquet schema for column 'a'. Column type: INTEGER, Parquet schema: int64"),
        (
            ["a bigint", "b integer"],
            "Unmatched number of columns between table and file. Table columns: 2, Data columns: 1",
        ),
        (["a varchar(9)"], "incompatible Parquet schema"),
    ],
)
def test_a_columnar_file_that_does_not_fit(site, columns, message):
    site.make("t", *columns)
    path = site.lake.path("s3://lake/t/one")
    path.parent.mkdir()
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(SqlFailed, match=message):
        site.run("copy t from 's3://lake/t/' iam_role default format parquet")


def test_a_text_in_parquet_that_is_too_long_fails_all(site):
    site.make("t", "a varchar(2)")
    path = site.lake.path("s3://lake/t/one")
    path.parent.mkdir()
    pq.write_table(pa.table({"a": ["x", "long"]}), path)
    with pytest.raises(SqlFailed, match="too long for its column"):
        site.run("copy t from 's3://lake/t/' iam_role default format parquet")


def test_nested_values_of_parquet_need_serializetojson(site):
    site.make("t", "a super")
    path = site.lake.path("s3://lake/t/one")
    path.parent.mkdir()
    pq.write_table(pa.table({"a": [{"k": [1]}]}), path)
    with pytest.raises(SqlFailed, match="incompatible Parquet schema"):
        site.run("copy t from 's3://lake/t/' iam_role default format parquet")
    site.run("copy t from 's3://lake/t/' iam_role default format parquet serializetojson")
    assert site.rows("t") == [('{"k":[1]}',)]


def test_avro_is_matched_by_names(site):
    import duckdb

    from lakemill.lakesql.scans import avro

    writer = duckdb.connect()
    avro.load(writer)
    path = site.lake.path("s3://lake/t/one.avro")
    path.parent.mkdir()
    writer.execute(f"COPY (SELECT 'x' AS b, 1 AS a UNION ALL SELECT 'longer', 2) TO '{path}' (FORMAT avro)")
    site.make("t", "a integer", "b varchar(9)")
    site.run("copy t from 's3://lake/t/' iam_role default format avro 'auto'")
    assert sorted(site.rows("t")) == [(1, "x"), (2, "longer")]
    site.make("u", "a integer", "b varchar(2)")
    site.run("copy u from 's3://lake/t/' iam_role default avro 'auto' maxerror 2")
    assert site.rows("u") == [(1, "x")]


def test_many_rows_and_a_wrong_one_far_behind(copied, site):
    lines = [f"{number}|text {number}" for number in range(20_000)]
    lines[17_000] = "17000|text|more"
    with pytest.raises(SqlFailed, match="stl_load_errors"):
        copied(["a integer", "b varchar(20)"], data="\n".join(lines))
    assert errors(site) == [[17_001, "", 1202, "Extra column(s) found"]]
    found = copied(["a integer", "b varchar(20)"], "maxerror 5", name="u", data="\n".join(lines))
    assert len(found) == 19_999


def test_many_wrong_rows_are_told(copied, site):
    assert copied(["a integer"], "maxerror 5000", data="1\n" + "x\n" * 1000) == [(1,)]
    assert len(errors(site)) == 1000
    assert site.rows("select count(*) from stl_load_errors where query = pg_last_copy_id()") == [(1000,)]


def test_errors_tell_the_fields_of_their_row(copied, site):
    with pytest.raises(SqlFailed):
        copied(["a integer", "b varchar(3)"], data="1|long\n")
    told = site.told("stl_load_errors", "filename, position, raw_line, raw_field_value, type, col_length")
    assert told == [("s3://lake/t/data", 2, "1|long", "long", "varchar", "3")]
    newer = site.rows("select column_name, error_code from sys_load_error_detail order by query_id desc limit 1")
    assert newer == [("b", 1204)]
    assert site.told("stl_loaderror_detail", "field, colname, value, is_null") == [
        (0, "a", "1", 0),
        (1, "b", "long", 0),
    ]


def test_files_are_told_when_the_transaction_is_kept(copied, site):
    copied(["a integer"], data="1\n")
    assert site.told("stl_load_commits", "filename, file_format") == [("s3://lake/t/data", "text")]
    assert site.rows("select loaded_rows, source_file_count, error_count from sys_load_history order by query_id desc")[
        0
    ] == (1, 1, 0)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDenied", "S3ServiceException:Access Denied,Status 403"),
        ("SlowDown", "S3ServiceException:refused,Error SlowDown"),
    ],
)
def test_what_the_platform_refuses(copied, site, code, message):
    site.lake.refused["fetch"] = refused(code)
    with pytest.raises(SqlFailed, match=message):
        copied(["a integer"], data="1\n")


def test_headers_are_skipped_in_every_file(copied):
    assert copied(["a integer"], "ignoreheader 1", one="a\n1\n", two="a\n2\n") == [(1,), (2,)]


def test_names_in_quotes_are_folded(site):
    site.make("t", '"A b" integer')
    site.lake.put("s3://lake/t/one", b"1\n")
    site.run('copy "T" ("A B") from \'s3://lake/t/\' iam_role default')
    assert site.rows("t") == [(1,)]


def test_a_load_is_part_of_the_clients_transaction(site):
    site.make("t", "a integer")
    site.lake.put("s3://lake/t/one", b"1\n")
    for end, count in (("rollback", 0), ("commit", 2)):
        site.run("begin")
        site.run("insert into t values (0)")
        site.run("copy t from 's3://lake/t/' iam_role default")
        site.run(end)
        assert len(site.rows("t")) == count


def test_a_load_that_fails_ends_the_transaction_and_leaves_its_errors(site):
    site.make("t", "a integer")
    site.lake.put("s3://lake/t/one", b"x\n")
    site.run("begin")
    site.run("insert into t values (0)")
    with pytest.raises(SqlFailed, match="Load into table 't' failed"):
        site.run("copy t from 's3://lake/t/' iam_role default")
    with pytest.raises(SqlFailed, match="current transaction is aborted"):
        site.run("select 1")
    site.run("rollback")
    assert site.rows("t") == []
    assert site.rows("select line_number, err_code from stl_load_errors order by query desc limit 1") == [(1, 1207)]


def test_json_longer_than_what_is_read_at_once(tmp_path):
    path = tmp_path / "long.json"
    path.write_text('{"a":\n"' + "x" * 3_000_000 + '"}\n' * 1 + '{"b": "' + "y" * 3_000_000 + '"}\n{"c": 1}')
    assert [(one.line, len(one.raw)) for one in documents._records(str(path))] == [
        (1, 3_000_009),
        (3, 3_000_009),
        (4, 8),
    ]


def test_texts_of_parquet_that_are_not_utf_8(site):
    path = site.lake.path("s3://lake/t/one")
    path.parent.mkdir()
    offsets, texts = pa.array([0, 1, 3], pa.int32()).buffers()[1], pa.py_buffer(b"a\xe9b")
    pq.write_table(pa.table({"b": pa.StringArray.from_buffers(2, offsets, texts)}), path)
    site.make("t", "b varchar(9)")
    with pytest.raises(SqlFailed, match="Spectrum Scan Error"):
        site.run("copy t from 's3://lake/t/' iam_role default format parquet")
    site.run("copy t from 's3://lake/t/' iam_role default format parquet acceptinvchars")
    assert sorted(site.rows("t")) == [("?b",), ("a",)]


def test_secrets_are_not_kept_with_the_text(site):
    site.make("t", "a integer")
    site.lake.put("s3://lake/t/one", b"1\n")
    site.run("copy t from 's3://lake/t/' access_key_id 'AKIA' secret_access_key 'very-secret'")
    keys = "aws_access_key_id=a;aws_secret_access_key=very-secret"
    with pytest.raises(SqlFailed):
        site.run(f"unload ('select * from t') to 's3://lake/t/' credentials '{keys}'")
    kept = [text for (text,) in site.told("queries", "text")]
    assert any(text.startswith("copy t") for text in kept)
    assert not any("very-secret" in text for text in kept)
