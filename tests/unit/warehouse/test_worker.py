"""The process of a warehouse from outside: calls, files, and what is left when it is killed."""

import json
import ssl
import subprocess
import threading
from pathlib import Path

import duckdb
import psycopg
import pytest

from tests.unit.warehouse.process import Failed, Worker


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A key and a certificate of its own."""
    path = tmp_path_factory.mktemp("certificate") / "server.pem"
    key, pem = path.with_name("key.pem"), path.with_name("cert.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", pem),
        ],
        check=True,
        capture_output=True,
    )
    path.write_text(key.read_text() + pem.read_text())
    return path


@pytest.fixture(scope="module")
def worker(tmp_path_factory, certificate):
    found = Worker(tmp_path_factory.mktemp("worker"), certificate=str(certificate), parameters={"query_group": "mine"})
    yield found
    found.close()


ROWS = "(select 1 as a union all select 2 union all select 3)"
LONG = "select sum(t0.a * t9.a) from " + ", ".join(f"{ROWS} t{number}" for number in range(20))


def wait_for_the_end(connection):
    with pytest.raises(psycopg.Error):
        connection.execute(LONG)


def connect(worker, **also):
    words = {"user": "awsuser", "password": "Secret1234", "dbname": "dev", "sslmode": "disable"} | also
    return psycopg.connect(host="localhost", port=worker.port, autocommit=True, **words)


def records(executed):
    lines = Path(executed["result"]).read_text().splitlines()
    return [row for line in lines for row in json.loads(line)["Records"]]


def test_a_statement_alone_commits_itself(worker, tmp_path):
    made, written, read = [
        worker.execute(sql, folder=str(tmp_path))[0]
        for sql in (
            "create table alone (a int, f float8, b boolean, n decimal(5, 2), d date, t varchar(9))",
            "insert into alone values (1, 0.5, true, 1.25, '2020-01-01', 'x'), (null, null, null, null, null, null)",
            "select * from alone order by a",
        )
    ]
    assert (made["state"], made["columns"], made["rows"]) == ("FINISHED", None, -1)
    assert written["rows"] == 2
    assert read["rows"] == 2 and read["duration_ns"] > 0 and read["query"] > 0
    assert [column["type"] for column in read["columns"]] == ["int4", "float8", "bool", "numeric", "date", "varchar"]
    assert records(read) == [
        [
            *({"longValue": 1}, {"doubleValue": 0.5}, {"booleanValue": True}, {"stringValue": "1.25"}),
            *({"stringValue": "2020-01-01"}, {"stringValue": "x"}),
        ],
        [{"isNull": True}] * 6,
    ]


def test_pages_have_a_thousand_rows(worker, tmp_path):
    worker.execute("create table ten as select 1 as a union all select 2 union all select 3 union all select 4")
    crossed = ", ".join(f"ten t{number}" for number in range(6))
    (read,) = worker.execute(f"select t0.a from {crossed}", folder=str(tmp_path))
    lines = Path(read["result"]).read_text().splitlines()
    assert [len(json.loads(line)["Records"]) for line in lines] == [1000] * 4 + [96]
    assert read["result_bytes"] == sum(len(line) + 1 for line in lines)


def test_a_batch_is_one_transaction(worker):
    outcome = worker.execute(
        "create table b1 (a int)", "insert into b1 values (1)", "select 1/0", "select 1", single=False
    )
    assert [executed["state"] for executed in outcome] == ["FINISHED", "FINISHED", "FAILED"]
    assert (outcome[2]["code"], outcome[2]["error"]) == ("22012", "ERROR: division by zero")
    (gone,) = worker.execute("select * from b1")
    assert gone["code"] == "42P01"
    worker.execute("create table b2 (a int)", "insert into b2 values (1)", single=False)
    assert worker.execute("select * from b2")[0]["rows"] == 1
    assert {"started": 1} in worker.progress


def test_parameters_are_values_and_never_sql(worker, tmp_path):
    named = [{"name": "n", "value": "x' or '1' = '1"}, {"name": "k", "value": "7"}]
    (read,) = worker.execute("select :n as n, :k + 1 as k", parameters=named, folder=str(tmp_path))
    assert records(read) == [[{"stringValue": "x' or '1' = '1"}, {"longValue": 8}]]
    (missing,) = worker.execute("select :nosuch")
    assert missing["state"] == "FAILED"


def test_batches_can_share_a_session(worker, tmp_path):
    worker.execute("create temp table mine (a int)", session="s1")
    assert worker.execute("select * from mine", session="s1", folder=str(tmp_path))[0]["state"] == "FINISHED"
    worker.call("end_session", session="s1")
    assert worker.execute("select * from mine", session="s1")[0]["code"] == "42P01"
    worker.call("end_session", session="s1")


def test_a_user_that_is_unknown_is_made_only_if_that_is_said(worker):
    with pytest.raises(Failed) as failed:
        worker.execute("select 1", user="unknown")
    assert failed.value.code == "28000"
    assert worker.execute("select current_user", user="unknown", auto_create=True)[0]["state"] == "FINISHED"
    with pytest.raises(Failed) as failed:
        worker.execute("select 1", database="nosuch")
    assert failed.value.code == "3D000"


def test_a_batch_is_cancelled(worker):
    worker.execute("create table digits as select 0 as a union all select 1 union all select 2 union all select 3")
    crossed = ", ".join(f"digits t{number}" for number in range(24))
    ending = worker.begin("execute", batch=worker.batch(f"select sum(t0.a * t23.a) from {crossed}", id="long"))
    while not worker.call("cancel", id="long"):
        pass
    (executed,) = ending()
    assert (executed["state"], executed["code"]) == ("ABORTED", "57014")
    assert worker.call("cancel", id="long") is False


def test_tls_is_spoken_with_the_certificate(worker, certificate):
    with connect(worker, sslmode="verify-full", sslrootcert=str(certificate)) as one:
        assert one.execute("select 1").fetchone() == (1,)
        assert one.execute("show query_group").fetchone() == ("mine",)
        (version,) = one.execute("select sslversion from stl_connection_log where pid = pg_backend_pid()").fetchone()
        assert version in (ssl.TLSVersion.TLSv1_3.name.replace("_", "."), "TLSv1.3")


def test_a_snapshot_is_consistent_while_others_write(worker, tmp_path):
    with connect(worker) as one:
        one.execute("create table pair (a int)")
        stop = threading.Event()

        def write():
            while not stop.is_set():
                with one.transaction():
                    one.execute("insert into pair values (1)")
                    one.execute("insert into pair values (-1)")

        writing = threading.Thread(target=write)
        writing.start()
        size = worker.call("snapshot", folder=str(tmp_path / "snapshot"))
        stop.set()
        writing.join()
    assert size == sum(path.stat().st_size for path in (tmp_path / "snapshot").iterdir())
    with duckdb.connect(str(tmp_path / "snapshot" / "warehouse.duckdb"), read_only=True) as copy:
        assert copy.execute('SELECT coalesce(sum(a), 0) FROM "dev.public".pair').fetchone() == (0,)
        (known,) = copy.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'pair'").fetchone()
        assert json.loads(known)["owner"] == "awsuser"


def test_users_sql_reaches_no_file(worker):
    with connect(worker) as one:
        for sql in (
            "select * from read_csv('/etc/passwd')",
            "select * from '/etc/passwd'",
            "attach '/tmp/x.db' as x",
            "install httpfs",
            "pragma database_list",
            "set enable_external_access to true",
            "select * from duckdb_settings()",
            "select * from lakemill.objects",
            "copy (select 1) to '/tmp/x'",
            "export database '/tmp/x'",
        ):
            with pytest.raises(psycopg.Error):
                one.execute(sql)


@pytest.mark.slow
def test_what_was_committed_outlives_a_kill_and_nothing_else_does(tmp_path):
    worker = Worker(tmp_path)
    with connect(worker) as one:
        one.execute("create table t (a int, b varchar(100))")
        one.execute("create user ann password 'Abcd1234'")
        acknowledged = 0

        def write():
            nonlocal acknowledged
            with pytest.raises(psycopg.OperationalError):
                while True:
                    one.execute("begin")
                    one.execute(f"insert into t values ({acknowledged}, 'first'), ({acknowledged}, 'second')")
                    one.execute(f"create table t{acknowledged} (a int)")
                    one.execute("commit")
                    acknowledged += 1

        writing = threading.Thread(target=write)
        writing.start()
        while acknowledged < 5:
            writing.join(0.01)
        worker.kill()
        writing.join(20)
    again = Worker(tmp_path)
    with connect(again) as one:
        found = one.execute("select a, count(*) from t group by a order by a").fetchall()
        tables = one.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
        assert found[:acknowledged] == [(number, 2) for number in range(acknowledged)]
        assert len(found) in (acknowledged, acknowledged + 1)
        assert tables == (len(found) + 1,)
        with connect(again, user="ann", password="Abcd1234"):
            pass
        begun = threading.Thread(target=wait_for_the_end, args=(one,))
        begun.start()
        while not again.execute("select 1 from stv_inflight where text like 'select sum%'")[0]["rows"]:
            pass
        assert again.close() == 0  # It ends with its input, also while it works.
        begun.join(20)
