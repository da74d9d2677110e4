"""Stored procedures: what clients are told beside rows, errors with their places, and what ends a call."""

import threading

import pytest

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.procedures import parser
from lakemill.warehouse.procedures.nodes import ForInteger, Raise, Sql


def make(client, name, body, arguments=""):
    client.run(f"create or replace procedure {name}({arguments}) as $$ {body} $$ language plpgsql")


def notices(client, sql):
    result = client.session.execute(sql)
    client.session.sync()
    return result.notices


def test_messages_go_to_the_client_in_order_and_by_its_setting(client):
    own = client()
    make(own, "says", "begin raise info '% of %%', 1; raise notice 'b %', null; raise log 'l'; raise warning 'c'; end;")
    assert notices(own, "call says()") == ["INFO:  1 of %", "NOTICE:  b <NULL>", "WARNING:  c"]
    own.run("set client_min_messages to error")
    assert notices(own, "call says()") == ["INFO:  1 of %"]


def test_messages_before_an_error_are_kept_for_the_client(client):
    own = client()
    make(own, "fails", "begin raise info 'soon'; raise exception 'now'; end;")
    with pytest.raises(SqlFailed, match="now"):
        own.run("call fails()")
    assert own.session.notices == ["INFO:  soon"]


def test_an_error_tells_each_procedure_and_line_that_it_went_through(client):
    own = client()
    make(own, "inner", "declare x int;\nbegin\n  x := 1 / (x - x);\n  select 1 / 0\n  into x;\nend;")
    make(own, "outer", "begin\n  call inner();\nend;")
    with pytest.raises(SqlFailed) as failed:
        own.run("call outer()")
    assert failed.value.code == "22012"
    assert failed.value.context == (
        'PL/pgSQL function "inner" line 4 at SQL statement\nPL/pgSQL function "outer" line 2 at SQL statement'
    )


def test_a_call_in_an_endless_loop_is_cancelled_and_no_handler_sees_it(client):
    own = client()
    body = "declare i int := 0; begin loop i := i + 1; end loop; exception when others then raise info 'seen'; end;"
    make(own, "endless", body)
    timer = threading.Timer(0.2, own.session.cancel)
    timer.start()
    with pytest.raises(SqlFailed) as failed:
        own.run("call endless()")
    assert failed.value.code == "57014"
    assert own.session.notices == []
    own.run("set statement_timeout to 200")
    with pytest.raises(SqlFailed, match="statement timeout"):
        own.run("call endless()")


def test_what_a_handler_does_is_committed_although_the_error_goes_on(client):
    own, other = client(), client()
    own.run("create table log (what varchar(99))")
    make(
        own,
        "logs",
        "begin insert into log values (1 / 0); exception when others then insert into log values ('x'); end;",
    )
    with pytest.raises(SqlFailed, match="division by zero"):
        own.run("call logs()")
    assert other.rows("select what from log") == [["x"]]


def test_values_keep_their_digits_and_zones_in_variables(client):
    own = client()
    body = """
    declare d double precision := 0.1; t timestamptz := '2020-01-02 03:04:05.678901+02'; s super; c char(5) := 'ab';
    begin
      s := json_parse('{"a": [1, 2.5]}');
      x := d = 0.1 and t = '2020-01-02 01:04:05.678901+00' and s.a[1] = 2.5 and c = 'ab' and d + 0.2 <> 0.3;
    end;
    """
    make(own, "exact", body, "x out boolean")
    assert own.rows("call exact()") == [["t"]]


def test_a_loop_over_rows_goes_on_while_its_body_writes(client):
    own = client()
    own.run("create table n as select 1 as a union all select 2 union all select 3")
    body = "declare r record; begin for r in select a from n loop insert into n values (r.a * 10); end loop; end;"
    make(own, "grows", body)
    own.run("call grows()")
    assert own.rows("select a from n order by a") == [["1"], ["2"], ["3"], ["10"], ["20"], ["30"]]


def test_names_of_variables_are_taken_for_values_not_for_columns_or_targets(client):
    own = client()
    own.run("create table v (a int, b int)")
    body = "declare b int := 5; begin insert into v (a, b) values (1, b); update v set b = b + 1 where v.a = 1; end;"
    make(own, "named", body)
    own.run("call named()")
    assert own.rows("select * from v") == [["1", "6"]]


def test_the_statement_that_makes_a_procedure_makes_it_again(client):
    own = client()
    own.run("create procedure p(a int, inout b numeric(5, 1)) nonatomic as $x$ begin b := a; end; $x$ language plpgsql")
    ((shown,),) = own.rows("show procedure p(int, numeric)")
    own.run("drop procedure p(int, numeric)")
    own.run(shown)
    assert own.rows("call p(2, 1)") == [["2.0"]]
    assert own.rows("show procedure p(int, numeric)") == [[shown]]


def test_it_keeps_names_whose_case_counts(client):
    own = client()
    own.run("set enable_case_sensitive_identifier to on")
    own.run('create procedure "Fill"("Much" int, plain int) as $$ begin null; end; $$ language plpgsql')
    ((shown,),) = own.rows('show procedure "Fill"')
    assert shown.splitlines()[0] == 'CREATE OR REPLACE PROCEDURE public."Fill"("Much" integer, plain integer)'
    own.run(shown)
    assert own.rows("select count(*) from pg_proc where proname = 'Fill'") == [["1"]]


@pytest.mark.parametrize("body", ["select nope + $1", "select $2", "select $1 +"])
def test_what_is_wrong_in_a_function_has_no_place_in_the_statement(client, body):
    with pytest.raises(SqlFailed) as failed:
        client().run(f"create function wrong(int) returns int stable as $$ {body} $$ language sql")
    assert failed.value.position is None


def test_calls_stand_in_the_system_view_with_the_call_they_come_from(client):
    own = client()
    make(own, "leaf", "begin null; end;")
    make(own, "root", "begin call leaf(); end;")
    own.run("call root()")
    told = (
        "select querytxt, aborted, from_sp_call is null from svl_stored_proc_call where database = current_database()"
    )
    assert sorted(own.rows(told)) == [["CALL leaf()", "0", "f"], ["call root()", "0", "t"]]


def test_a_body_is_taken_apart():
    block = parser.parse(
        "begin for i in 1..2*3 loop null; end loop; select a, b into x, r.y from t; raise info 'a'; end"
    )
    loop, row, said = block.body
    assert isinstance(loop, ForInteger) and (loop.first.text, loop.last.text) == ("SELECT 1", "SELECT 2*3")
    assert isinstance(row, Sql) and row.into == [("x",), ("r", "y")] and row.query.text == "select a, b  from t"
    assert isinstance(said, Raise) and (said.level, said.format) == ("INFO", "a")
