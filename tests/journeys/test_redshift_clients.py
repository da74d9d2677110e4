"""Redshift through its clients: redshift_connector, psycopg, SQLAlchemy and awswrangler, unmodified."""

import datetime
import decimal

import boto3
import pandas as pd
import psycopg
import pytest
from tests.journeys.warehouse import PASSWORD, Cluster, role

wr = pytest.importorskip("awswrangler")
redshift_connector = pytest.importorskip("redshift_connector")
sqlalchemy = pytest.importorskip("sqlalchemy")

BUCKET = "redshift-clients"
DAY = datetime.date(2020, 2, 29)


@pytest.fixture(scope="session")
def clients(lakemill):
    """A cluster whose role may read and write a bucket."""
    lakemill.client("s3").create_bucket(Bucket=BUCKET)
    found = Cluster(lakemill, "clients-journey").make()
    found.role = role(lakemill, "redshift-clients", "s3:*", "glue:*")
    found.redshift.modify_cluster_iam_roles(ClusterIdentifier=found.name, AddIamRoles=[found.role])
    return found


@pytest.fixture
def connection(clients):
    with clients.connect() as made:
        yield made
        made.rollback()


@pytest.fixture
def session(lakemill):
    """What awswrangler asks S3 with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", lakemill.endpoint)
        yield boto3.Session(lakemill.access_key_id, lakemill.secret, region_name="us-east-1")


def frame(*ids):
    """Rows for a table."""
    names = [f"name {number}" if number % 2 else None for number in ids]
    values = {"id": list(ids), "name": names, "share": [number / 2 for number in ids], "day": [DAY] * len(ids)}
    return pd.DataFrame(values)


def ids(connection, table):
    return wr.redshift.read_sql_query(f"SELECT id FROM {table} ORDER BY id", con=connection)["id"].tolist()


# redshift_connector


def test_values_come_back_as_they_were_sent(connection):
    cursor = connection.cursor()
    cursor.execute(
        "CREATE TEMP TABLE kinds (i2 int2, i8 int8, f8 float8, n decimal(12, 3), b bool, t varchar(20), c char(3), "
        "d date, ts timestamp, tz timestamptz)"
    )
    moment = datetime.datetime(2020, 1, 2, 3, 4, 5, 600000)
    row = (7, 1 << 40, 0.1, decimal.Decimal("-12.345"), True, "grün", "ab", DAY, moment)
    cursor.execute("INSERT INTO kinds VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, '2020-01-01 12:00:00+02')", row)
    cursor.execute("INSERT INTO kinds (b) VALUES (NULL)")
    assert cursor.rowcount == 1
    cursor.execute("SELECT * FROM kinds ORDER BY i2")
    found = cursor.fetchall()
    zone = datetime.UTC
    assert tuple(found[0]) == (*row[:6], "ab ", *row[7:], datetime.datetime(2020, 1, 1, 10, tzinfo=zone))
    assert list(found[1]) == [None] * 10
    assert [column[0] for column in cursor.description][:3] == ["i2", "i8", "f8"]


def test_a_transaction_is_taken_back_and_an_error_has_its_code(connection):
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE taken_back (a int)")
    connection.rollback()
    with pytest.raises(redshift_connector.error.ProgrammingError) as wrong:
        cursor.execute("SELECT * FROM taken_back")
    assert wrong.value.args[0]["C"] == "42P01"
    connection.rollback()
    cursor.execute("SELECT 1")
    assert cursor.fetchone() == [1]


def test_a_wrong_password_is_refused(clients):
    with pytest.raises(redshift_connector.error.InterfaceError, match="password authentication failed"):
        clients.connect(password="Wrong1234")


def test_the_driver_finds_tables_columns_and_keys(connection):
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE looked_up (id int NOT NULL, name varchar(7) DEFAULT 'x', PRIMARY KEY (id))")
    connection.commit()
    assert [row[2] for row in cursor.get_tables() if row[2] == "looked_up"] == ["looked_up"]
    assert [row[3] for row in cursor.get_primary_keys(schema="public", table="looked_up")] == ["id"]
    found = [row[3] for row in cursor.get_columns() if row[2] == "looked_up"]
    assert found == ["id", "name"]


def test_temporary_credentials_open_the_door(clients):
    shown = clients.redshift.get_cluster_credentials(
        ClusterIdentifier=clients.name, DbUser="visitor", DbName="dev", AutoCreate=True
    )
    with clients.connect(user=shown["DbUser"], password=shown["DbPassword"]) as made:
        cursor = made.cursor()
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ["visitor"]


def test_a_materialized_view_refreshes_itself(clients):
    with clients.connect() as made:
        made.autocommit = True
        cursor = made.cursor()
        cursor.execute("CREATE TABLE sold (item varchar(9), price int)")
        cursor.execute("CREATE MATERIALIZED VIEW sold_sum AUTO REFRESH YES AS SELECT sum(price) AS total FROM sold")
        cursor.execute("INSERT INTO sold VALUES ('tea', 2), ('rice', 3)")

        def total():
            cursor.execute("SELECT total FROM sold_sum")
            return cursor.fetchone()[0]

        clients.until(lambda: total() == 5)
        cursor.execute("SELECT refresh_type FROM svl_mv_refresh_status WHERE mv_name = 'sold_sum'")
        assert {row[0] for row in cursor.fetchall()} == {"Auto"}
        with pytest.raises(redshift_connector.error.ProgrammingError, match="cannot insert into a materialized view"):
            cursor.execute("INSERT INTO sold_sum VALUES (1)")


PROCEDURE = """
CREATE OR REPLACE PROCEDURE share(total IN int, part INOUT numeric(8, 2), words OUT varchar(40)) AS $$
BEGIN
  IF part > total THEN
    RAISE EXCEPTION 'part % is more than %', part, total;
  END IF;
  part := part * 100 / total;
  words := part || ' %';
  RAISE INFO 'share is %', words;
END;
$$ LANGUAGE plpgsql
"""


def test_a_procedure_gives_its_out_arguments_and_says_something(clients):
    with clients.connect() as made:
        made.autocommit = True
        cursor = made.cursor()
        cursor.execute(PROCEDURE)
        cursor.execute("CALL share(%s, %s)", (8, decimal.Decimal(2)))
        assert list(cursor.fetchone()) == [decimal.Decimal("25.00"), "25.00 %"]
        assert [column[0] for column in cursor.description] == ["part", "words"]
        assert any(b"share is 25.00 %" in dict(told).get(b"M", b"") for told in made.notices)
        with pytest.raises(redshift_connector.error.ProgrammingError) as wrong:
            cursor.execute("CALL share(1, 2)")
        assert (wrong.value.args[0]["C"], wrong.value.args[0]["M"]) == ("P0001", "part 2.00 is more than 1")
        assert wrong.value.args[0]["W"] == 'PL/pgSQL function "share" line 4 at raise'
        cursor.execute("SELECT prokind FROM pg_proc_info WHERE proname = 'share'")
        assert cursor.fetchone() == ["p"]
    named = clients.rows(
        "CALL share(:total, :part)",
        Parameters=[
            {"name": "total", "value": "4"},
            {"name": "part", "value": "1"},
        ],
    )
    assert named == [("25.00", "25.00 %")]


def test_psycopg_reads_the_cursor_that_a_procedure_has_opened(clients):
    place = clients.about["Endpoint"]
    said = []
    with psycopg.connect(
        host=place["Address"], port=place["Port"], dbname="dev", user="awsuser", password=PASSWORD
    ) as made:
        made.add_notice_handler(lambda notice: said.append(notice.message_primary))
        made.execute(
            "CREATE PROCEDURE listed(rs INOUT refcursor) AS $$ BEGIN RAISE NOTICE 'opens'; "
            "OPEN rs FOR SELECT 1 AS a UNION ALL SELECT 2 ORDER BY 1; END; $$ LANGUAGE plpgsql"
        )
        assert made.execute("CALL listed('mine')").fetchone() == ("mine",)
        assert made.execute("FETCH ALL FROM mine").fetchall() == [(1,), (2,)]
        assert said == ["opens"]
        made.rollback()


def test_names_in_quotes_keep_their_case_where_the_session_says_so(clients):
    with clients.connect() as made:
        cursor = made.cursor()
        cursor.execute("SET enable_case_sensitive_identifier TO true")
        cursor.execute('CREATE TABLE "Items" ("itemName" varchar(9), PLAIN int)')
        cursor.execute('CREATE TABLE items ("itemname" int)')
        cursor.execute('INSERT INTO "Items" VALUES (%s, %s)', ("tea", 2))
        cursor.execute('SELECT "itemName", plain FROM "Items"')
        assert [column[0] for column in cursor.description] == ["itemName", "plain"]
        assert cursor.fetchone() == ["tea", 2]
        cursor.execute("SELECT table_name FROM svv_tables WHERE table_name ILIKE 'items' ORDER BY 1")
        assert [row[0] for row in cursor.fetchall()] == ["Items", "items"]
        made.rollback()


# psycopg, SQLAlchemy


def test_psycopg_reads_in_both_forms_and_through_a_cursor_of_the_server(clients):
    place = clients.about["Endpoint"]
    with psycopg.connect(
        host=place["Address"], port=place["Port"], user="awsuser", password=PASSWORD, dbname="dev", sslmode="disable"
    ) as made:
        made.execute("CREATE TEMP TABLE numbers (n int, x decimal(9, 2))")
        made.cursor().executemany("INSERT INTO numbers VALUES (%s, %s)", [(n, n * 1.5) for n in range(20)])
        for binary in (False, True):
            rows = made.execute("SELECT n, x FROM numbers WHERE n < %s ORDER BY n", (2,), binary=binary).fetchall()
            assert rows == [(0, decimal.Decimal("0.00")), (1, decimal.Decimal("1.50"))]
        with made.cursor(name="held") as held:
            held.itersize = 7
            held.execute("SELECT n FROM numbers ORDER BY n")
            assert [n for (n,) in held] == list(range(20))


def test_sqlalchemy_makes_fills_and_reads_a_table(clients):
    place = clients.about["Endpoint"]
    url = f"postgresql+psycopg://awsuser:{PASSWORD}@{place['Address']}:{place['Port']}/dev?sslmode=disable"
    engine = sqlalchemy.create_engine(url, use_native_hstore=False)  # Looking for that type takes a SAVEPOINT.
    rows = sqlalchemy.Table(
        "alchemy",
        sqlalchemy.MetaData(),
        sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True, autoincrement=False),
        sqlalchemy.Column("name", sqlalchemy.String(20)),
    )
    with engine.begin() as made:
        made.execute(sqlalchemy.schema.CreateTable(rows))
        made.execute(rows.insert(), [{"id": 1, "name": "one"}, {"id": 2, "name": None}])
    with engine.connect() as made:
        found = made.execute(sqlalchemy.select(rows).where(rows.c.id < 3).order_by(rows.c.id)).all()
        assert found == [(1, "one"), (2, None)]
    engine.dispose()


# awswrangler


def test_frames_go_to_tables_and_come_back(connection):
    there = {"con": connection, "table": "framed", "schema": "public", "index": False}
    wr.redshift.to_sql(
        frame(1, 2), mode="overwrite", primary_keys=["id"], sortkey=["id"], diststyle="KEY", distkey="id", **there
    )
    wr.redshift.to_sql(frame(3), mode="append", use_column_names=True, **there)
    wr.redshift.to_sql(frame(3, 4), mode="upsert", primary_keys=["id"], **there)
    found = wr.redshift.read_sql_query("SELECT * FROM public.framed ORDER BY id", con=connection)
    assert found.astype(object).where(found.notna(), None).to_dict("list") == frame(1, 2, 3, 4).to_dict("list")
    wr.redshift.to_sql(frame(5).assign(more=1), mode="append", add_new_columns=True, **there)
    assert len(wr.redshift.read_sql_table("framed", con=connection, schema="public").columns) == 5


@pytest.mark.parametrize("how", ["drop", "cascade", "truncate", "delete"])
def test_a_table_is_overwritten_in_every_way(connection, how):
    there = {"con": connection, "table": f"over_{how}", "schema": "public", "mode": "overwrite", "index": False}
    wr.redshift.to_sql(frame(1, 2), **there)
    wr.redshift.to_sql(frame(3), overwrite_method=how, **there)
    assert ids(connection, f"over_{how}") == [3]


def test_copy_and_unload_travel_through_the_lake(clients, connection, session, lakemill):
    lake = {"con": connection, "boto3_session": session}
    there = lake | {"table": "copied", "schema": "public"}
    wr.redshift.copy(frame(1, 2), path=f"s3://{BUCKET}/stage/", iam_role=clients.role, mode="overwrite", **there)
    keys = {"aws_access_key_id": lakemill.access_key_id, "aws_secret_access_key": lakemill.secret}
    wr.redshift.copy(frame(2, 3), path=f"s3://{BUCKET}/more/", mode="upsert", primary_keys=["id"], **keys, **there)
    assert ids(connection, "copied") == [1, 2, 3]
    back = wr.redshift.unload("SELECT id, name FROM copied", path=f"s3://{BUCKET}/out/", iam_role=clients.role, **lake)
    assert sorted(back["id"]) == [1, 2, 3]
    wr.redshift.unload_to_files("SELECT * FROM copied", path=f"s3://{BUCKET}/files/", iam_role=clients.role, **lake)
    again = lake | {"table": "again", "schema": "public", "iam_role": clients.role, "mode": "overwrite"}
    wr.redshift.copy_from_files(path=f"s3://{BUCKET}/files/", **again)
    assert ids(connection, "again") == [1, 2, 3]
