import select
import struct

import psycopg
import pytest

from tests.unit.warehouse.wire.conftest import fields, kinds


def text(value):
    return value.encode() + b"\0"


def bind(values, results=(), portal="", statement=""):
    body = text(portal) + text(statement) + struct.pack(">hh", 0, len(values))
    for value in values:
        body += struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value
    return body + struct.pack(f">h{len(results)}h", len(results), *results)


def parse(sql, name="", types=()):
    return text(name) + text(sql) + struct.pack(f">h{len(types)}i", len(types), *types)


def test_startup_tells_the_version_and_not_the_drivers_own_protocol(raw, database):
    messages = raw().startup(database, application_name="a test", client_protocol_version="2")
    told = dict(data.decode().split("\0")[:2] for kind, data in messages if kind == "S")
    assert told["server_version"] == "8.0.2"
    assert told["client_encoding"] == "UTF8"
    assert told["application_name"] == "a test"
    assert "server_protocol_version" not in told
    assert messages[-1] == ("Z", b"I")


@pytest.mark.parametrize(
    "user, password, database, code",
    [
        ("awsuser", "wrong", "dev", "28000"),
        ("nobody", "Secret1234", "dev", "28000"),
        ("awsuser", "Secret1234", "nosuch", "3D000"),
    ],
)
def test_who_may_not_in_is_told_why(raw, user, password, database, code):
    one = raw()
    kind, data = one.startup(database, user, password)[-1]
    assert (kind, fields(data)["S"], fields(data)["C"]) == ("E", "FATAL", code)
    assert one.receive() == ("", b"")


def test_tls_is_refused_without_a_certificate(raw):
    one = raw()
    one.socket.sendall(struct.pack(">II", 8, 80877103))
    assert one.exactly(1) == b"N"


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", 4),
        struct.pack(">I", 1 << 30),
        struct.pack(">II", 12, 196608) + b"user",
        struct.pack(">II", 8, 131072),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["short", "long", "no end", "version 2", "http"],
)
def test_what_is_no_startup_ends_the_connection(raw, server, data):
    one = raw()
    one.socket.sendall(data)
    kind, _ = one.receive()
    assert kind == "E"
    assert one.receive() == ("", b"")


@pytest.mark.parametrize(
    "data",
    [
        b"Q" + struct.pack(">I", 3),
        b"Q" + struct.pack(">I", (64 << 20) + 1),
        b"!" + struct.pack(">I", 4),
    ],
    ids=["too short", "too long", "no such type"],
)
def test_a_message_that_cannot_be_ends_the_connection_and_hurts_nobody(wire, raw, database, data):
    other = raw()
    other.startup(database)
    wire.socket.sendall(data)
    kind, error = wire.receive()
    assert (kind, fields(error)["C"]) == ("E", "08P01")
    assert wire.receive() == ("", b"")
    assert kinds(other.query("select 1")) == "TDCZ"


@pytest.mark.parametrize(
    "kind, body",
    [
        ("P", b"no end"),
        ("P", parse("select 1")[:-1] + b"\5"),
        ("B", b"\0"),
        ("D", b"X\0"),
        ("C", b"X\0"),
        ("E", b"no end"),
    ],
)
def test_a_body_that_cannot_be_is_an_error_until_sync(wire, kind, body):
    wire.send(kind, body)
    wire.send("E", text("") + bytes(4))
    wire.send("S")
    messages = wire.until_ready()
    assert kinds(messages) == "EZ"
    assert fields(messages[0][1])["C"] == "08P01"
    assert kinds(wire.query("select 1")) == "TDCZ"


def test_a_simple_query_of_several_statements_is_one_transaction(wire):
    wire.query("create table t (a int)")
    messages = wire.query("insert into t values (1); select a from t; select 1/0; select 2")
    assert kinds(messages) == "CTDCTEZ"
    assert fields(messages[-2][1])["C"] == "22012"
    assert wire.query("select count(*) from t")[1] == ("D", b"\0\1\0\0\0\x010")


def test_an_empty_query_is_one(wire):
    assert kinds(wire.query(" -- nothing\n ;")) == "IZ"
    for kind, body in [("P", parse("")), ("B", bind([])), ("D", b"P\0"), ("E", text("") + bytes(4)), ("S", b"")]:
        wire.send(kind, body)
    assert kinds(wire.until_ready()) == "12nIZ"


def test_the_state_of_the_transaction_is_told(wire):
    states = [wire.query(sql)[-1][1] for sql in ("begin", "select 1", "nonsense", "select 1", "rollback")]
    assert states == [b"T", b"T", b"E", b"E", b"I"]


def test_a_portal_gives_its_rows_a_few_at_a_time(wire):
    wire.query("create table t (a int)")
    wire.query("insert into t values (1), (2), (3), (4), (5)")
    wire.query("begin")
    wire.send("P", parse("select a from t order by a"))
    wire.send("B", bind([], [1], "p"))
    wire.send("E", text("p") + struct.pack(">i", 2))
    wire.send("S")
    assert kinds(wire.until_ready()) == "12DDsZ"
    assert kinds(wire.query("select count(*) from t")) == "TDCZ"  # Another statement between.
    wire.send("E", text("p") + struct.pack(">i", 2))
    wire.send("E", text("p") + struct.pack(">i", 0))
    wire.send("S")
    messages = wire.until_ready()
    assert kinds(messages) == "DDsDCZ"
    assert messages[3] == ("D", b"\0\1\0\0\0\4\0\0\0\5")
    wire.query("commit")
    wire.send("E", text("p") + bytes(4))
    wire.send("S")
    assert fields(wire.until_ready()[0][1])["C"] == "34000"


def test_a_statement_that_cannot_be_compiled_is_not_kept(wire):
    for _ in range(2):
        wire.send("P", parse("select * from nosuch", "s"))
        wire.send("D", b"S" + text("s"))
        wire.send("S")
        messages = wire.until_ready()
        assert kinds(messages) == "EZ"
        assert fields(messages[0][1])["C"] == "42P01"


def test_parameters_are_described_by_what_they_are_used_for(wire):
    wire.query("create table t (a int, b varchar(9), d date)")
    wire.send("P", parse("insert into t values ($1, $2, $3)", "s"))
    wire.send("D", b"S" + text("s"))
    wire.send("S")
    messages = wire.until_ready()
    assert kinds(messages) == "1tnZ"
    assert struct.unpack(">hiii", messages[1][1]) == (3, 23, 1043, 1082)


@pytest.mark.parametrize(
    "body, code",
    [(bind([b"1", b"2"]), "08P01"), (bind([b"\xff"]), "22021"), (bind([b"x"]), "22P02"), (bind([b"1"], [7]), "22023")],
    ids=["too many", "no text", "no number", "no format"],
)
def test_parameters_that_cannot_be(wire, body, code):
    wire.send("P", parse("select $1 + 1", types=[23]))
    wire.send("B", body)
    wire.send("E", text("") + bytes(4))
    wire.send("S")
    messages = wire.until_ready()
    assert fields(messages[-2][1])["C"] == code


def test_copy_from_stdin_and_function_calls_are_refused(wire):
    assert kinds(wire.query("copy t from stdin")) == "EZ"
    wire.send("F", bytes(12))
    assert fields(wire.until_ready()[0][1])["C"] == "0A000"
    assert kinds(wire.query("select 1")) == "TDCZ"


def test_a_cancel_request_with_the_right_key_stops_the_statement(raw, database):
    one = raw()
    key = next(data for kind, data in one.startup(database) if kind == "K")
    one.query("create table n (a int)")
    one.query("insert into n values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)")
    crossed = ", ".join(f"n n{number}" for number in range(14))
    one.send("Q", text(f"select sum(n0.a * n13.a) from {crossed}"))
    for _ in range(200):  # One that comes before the statement is for none.
        for sent in (key[:4] + b"none", key):
            other = raw()
            other.socket.sendall(struct.pack(">II", 16, 80877102) + sent)
            assert other.receive() == ("", b"")
        if select.select([one.socket], [], [], 0.1)[0]:
            break
    messages = one.until_ready()
    assert fields(messages[-2][1])["C"] == "57014"
    assert kinds(one.query("select 1")) == "TDCZ"


def test_values_come_the_same_in_text_and_binary(server, database):
    kinds_ = "b boolean, i2 smallint, i4 int, i8 bigint, f4 real, f8 float8, n decimal(20, 6), t varchar(20), c char(4)"
    with psycopg.connect(
        host="127.0.0.1", port=server.port, user="awsuser", password="Secret1234", dbname=database
    ) as one:
        one.execute(f"create table v ({kinds_}, d date, ts timestamp, tz timestamptz, ti time)")
        values = "true, -1, 2, 3, 0.5, 0.1, -1234.5, 'grün', 'ab', '2020-02-29', '2020-01-01 01:02:03.25'"
        one.execute(f"insert into v values ({values}, '2020-07-01 12:00:00+02', '23:59:59')")
        one.execute("insert into v (i4) values (null)")
        shown = [one.execute("select * from v order by i4", binary=binary).fetchall() for binary in (False, True)]
        assert shown[0] == shown[1]
        assert shown[0][0][7:9] == ("grün", "ab  ")
        for placeholder in ("%s", "%b", "%t"):
            row = shown[0][0]
            found = one.execute(
                f"select count(*) from v where i8 = {placeholder} and n = {placeholder} and d = {placeholder} "
                f"and ts = {placeholder} and t = {placeholder} and b = {placeholder}",
                (row[3], row[6], row[9], row[10], row[7], row[0]),
            )
            assert found.fetchone() == (1,)
