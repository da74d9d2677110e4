from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.interface import Authorization
from lakemill.warehouse.spectrum.making import hive_type
from tests.unit.warehouse.lakework import refused

REFUSED = yaml.safe_load((Path("tests/cases/warehouse") / "external.yaml").read_text())
ROLE = "arn:aws:iam::1:role/r"
TEXT = "row format delimited fields terminated by '|' stored as textfile"


@pytest.fixture
def x(site):
    """A site with an external schema `x` over the database `sales`."""
    site.run(f"create external schema x from data catalog database 'sales' iam_role '{ROLE}'")
    return site


@pytest.fixture
def orders(x):
    x.run(
        f"create external table x.orders (id int, item varchar(20), price double precision) {TEXT} location 's3://lake/orders/'"
    )
    x.lake.put("s3://lake/orders/1.txt", b"1|pen|2.5\n2|ink|\n")
    return x


@pytest.fixture
def days(x):
    x.run(
        "create external table x.days (id int) partitioned by (day date) stored as parquet location 's3://lake/days/'"
    )
    for day in ("2020-01-01", "2020-01-02"):
        path = x.lake.path(f"s3://lake/days/day={day}/a.parquet")
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table({"id": pa.array([int(day[-1])], pa.int32())}), path)
        x.run(f"alter table x.days add if not exists partition (day='{day}') location 's3://lake/days/day={day}/'")
    return x


def test_tables_of_the_catalog_are_read_by_the_schemas_name(orders):
    assert orders.rows("select item, price from x.orders order by id") == [("pen", 2.5), ("ink", None)]
    assert orders.lake.authorizations[-1] == Authorization(role=ROLE)


def test_a_materialized_view_of_them_has_new_rows_once_it_is_refreshed(orders):
    orders.run("create materialized view held as select item from x.orders where price is not null")
    assert orders.rows("held") == [("pen",)]
    orders.lake.put("s3://lake/orders/2.txt", b"3|cup|4.0\n")
    assert orders.rows("select item, is_stale from held, svv_mv_info order by 1") == [("pen", "u")]
    orders.run("refresh materialized view held")
    assert sorted(orders.rows("held")) == [("cup",), ("pen",)]
    with pytest.raises(SqlFailed, match="AUTO REFRESH is not supported for materialized views that use external"):
        orders.run("alter materialized view held auto refresh yes")
    orders.run("drop materialized view held")


def test_tables_of_the_lake_and_of_the_warehouse_are_joined(orders):
    orders.make("bought", "id integer", "who varchar(9)")
    orders.run("insert into bought values (1, 'ann'), (2, 'bob')")
    query = "select b.who, o.item from bought b join x.orders o using (id) where o.price > 1"
    assert orders.rows(query) == [("ann", "pen")]
    orders.run("insert into bought select id, item from x.orders")
    assert len(orders.rows("bought")) == 4
    left = orders.session.connection.execute("SELECT view_name FROM duckdb_views() WHERE temporary AND NOT internal")
    assert not [name for (name,) in left.fetchall() if name.startswith("scan_")]


def test_where_a_row_comes_from(orders):
    found = orders.rows('select id, "$path", "$size" from x.orders where id = 1')
    assert found == [(1, "s3://lake/orders/1.txt", 17)]
    assert len(orders.rows("select * from x.orders")[0]) == 3


@pytest.mark.parametrize("name", [".x", "_x", "#x", "x~"])
def test_hidden_files_are_passed_over(orders, name):
    orders.lake.put(f"s3://lake/orders/{name}", b"9|nine|9\n")
    assert orders.rows("select count(*) from x.orders") == [(2,)]


def test_only_the_partitions_that_matter_are_read(days):
    days.lake.calls.clear()
    assert days.rows("select id, day::varchar from x.days where day = '2020-01-02'") == [(2, "2020-01-02")]
    listed = [arguments["location"] for name, _, arguments in days.lake.calls if name == "objects"]
    assert set(listed) == {"s3://lake/days/day=2020-01-02/"}


def test_inserting_adds_files_and_partitions(days):
    days.make("t", "id integer", "day date")
    days.run("insert into t values (7, '2020-01-02'), (8, '2020-01-03')")
    assert days.run("insert into x.days select id, day from t").tag == "INSERT 0 2"
    assert days.rows("select day::varchar, count(*) from x.days group by 1 order by 1") == [
        ("2020-01-01", 1), ("2020-01-02", 2), ("2020-01-03", 1)
    ]  # fmt: skip
    assert days.rows("select values from svv_external_partitions order by 1")[-1] == ('["2020-01-03"]',)


def test_inserting_text(orders):
    orders.run("insert into x.orders select 3, 'cap', 1.25")
    assert orders.rows("select id, item, price from x.orders where id = 3") == [(3, "cap", 1.25)]


@pytest.mark.parametrize("form", ["parquet", "textfile"])
def test_a_table_of_a_querys_rows(orders, form):
    made = f"create external table x.new partitioned by (item) stored as {form} location 's3://lake/new/'"
    assert orders.run(f"{made} as select id, item from x.orders").rows == 2
    assert orders.rows("select item, id from x.new order by id") == [("pen", 1), ("ink", 2)]
    assert sorted(path.name for path in (orders.lake.root / "lake" / "new").iterdir()) == ["item=ink", "item=pen"]


def test_a_table_of_rows_is_taken_back_when_the_catalog_refuses(orders):
    orders.lake.refused["create_table"] = refused("AccessDeniedException")
    with pytest.raises(SqlFailed, match=r"permission denied|Access Denied"):
        orders.run("create external table x.new stored as parquet location 's3://lake/new/' as select id from x.orders")
    assert not list((orders.lake.root / "lake").glob("new/*"))


def test_a_header_is_skipped(x):
    properties = "table properties ('skip.header.line.count'='1', 'numRows'='1')"
    x.run(f"create external table x.t (id int) {TEXT} location 's3://lake/t/' {properties}")
    x.lake.put("s3://lake/t/1", b"id\n1\n")
    assert x.rows("select id from x.t") == [(1,)]


def test_altering(days):
    days.run("alter table x.days drop partition (day='2020-01-01')")
    assert days.rows("select count(*) from x.days") == [(1,)]
    days.run("alter table x.days partition (day='2020-01-02') set location 's3://lake/days/day=2020-01-01/'")
    assert days.rows("select id from x.days") == [(1,)]
    days.run("alter table x.days set table properties ('numRows'='5')")
    days.run("alter table x.days set location 's3://lake/other/'")
    days.run("alter table x.days set file format orc")
    found = days.rows("select location, input_format, parameters from svv_external_tables")[0]
    assert found[0] == "s3://lake/other/"
    assert "OrcInputFormat" in found[1]
    assert '"numRows":"5"' in found[2]


def test_dropping(orders):
    orders.run("drop table x.orders")
    assert orders.lake.path("s3://lake/orders/1.txt").exists()
    with pytest.raises(SqlFailed) as failed:
        orders.rows("select * from x.orders")
    assert failed.value.code == "42P01"
    orders.run("drop table if exists x.orders")


def test_what_there_is(days):
    assert days.rows("select schemaname, databasename, esoptions from svv_external_schemas") == [
        ("x", "sales", f'{{"IAM_ROLE":"{ROLE}"}}')
    ]
    assert days.rows("select columnname, external_type, part_key from svv_external_columns order by columnnum") == [
        ("id", "int", 0), ("day", "date", 1)
    ]  # fmt: skip
    assert days.rows("select databasename from svv_external_databases") == [("sales",)]


def test_a_database_is_made_where_the_schema_asks_for_it(site):
    source = "data catalog database 'New' iam_role default"
    site.run(f"create external schema x from {source} create external database if not exists")
    assert site.lake.database("new")["Name"] == "new"


@pytest.mark.parametrize("case", REFUSED, ids=lambda one: one["statement"])
def test_what_cannot_be_is_refused(orders, case):
    with pytest.raises(SqlFailed) as failed:
        orders.run(case["statement"])
    assert failed.value.code == case["code"]
    assert case["message"] in failed.value.message


@pytest.mark.parametrize(
    "statement",
    [
        "create external table x.t (id int) stored as parquet location 's3://lake/t/'",
        "alter table x.orders set location 's3://lake/t/'",
        "drop table x.orders",
        "insert into x.orders select 1, 'x', 1",
    ],
)
def test_the_catalog_takes_no_part_in_a_transaction(orders, statement):
    orders.run("begin")
    with pytest.raises(SqlFailed, match="cannot run inside a transaction block") as failed:
        orders.run(statement)
    orders.run("rollback")
    assert failed.value.code == "25001"


def test_a_file_that_cannot_be_read(x):
    x.run("create external table x.t (id int) stored as parquet location 's3://lake/t/'")
    x.lake.put("s3://lake/t/1", b"no parquet")
    with pytest.raises(SqlFailed, match="Spectrum Scan Error: Not valid Parquet file: s3://lake/t/1") as failed:
        x.rows("select id from x.t")
    assert failed.value.code == "XX000"


def test_an_iceberg_table_is_not_changed(orders):
    orders.lake.catalog["sales"]["orders"]["Parameters"]["table_type"] = "ICEBERG"
    for statement in ("insert into x.orders select 1, 'x', 1", "alter table x.orders set location 's3://lake/t/'"):
        with pytest.raises(SqlFailed, match="is an Iceberg table") as failed:
            orders.run(statement)
        assert failed.value.code == "0A000"


def test_a_manifest_is_no_location(x):
    x.lake.put("s3://lake/manifest", b"{}")
    with pytest.raises(SqlFailed, match="LOCATION of a manifest is not supported"):
        x.run("create external table x.t (id int) stored as parquet location 's3://lake/manifest'")


def test_what_the_role_may_not_read(orders):
    orders.lake.refused["objects"] = refused("AccessDenied")
    with pytest.raises(SqlFailed, match="Access denied"):
        orders.rows("select * from x.orders")


def test_scans_are_told(orders):
    orders.rows("select * from x.orders")
    assert orders.told("svl_s3query_summary", "external_table_name, s3_scanned_bytes") == [("S3 Scan x_orders", 17)]


@pytest.mark.parametrize(
    ("written", "hive"),
    [
        ("int8", "bigint"), ("real", "float"), ("numeric ( 8 , 2 )", "decimal(8,2)"), ("char(3)", "char(3)"),
        ("character varying(9)", "varchar(9)"),
        ("struct < a : int , b : array < string > >", "struct<a:int,b:array<string>>"),
        ("bool", "boolean"), ("varbyte", "binary"),
    ],
)  # fmt: skip
def test_types_of_columns(written, hive):
    assert hive_type(written) == hive
