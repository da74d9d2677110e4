create table t (id int, name varchar(9), price decimal(8, 2))
--> CREATE TABLE

create table said (line int identity(1, 1), what varchar(200))
--> CREATE TABLE

-- Variables, loops, conditions.
create or replace procedure fill(n int, word inout varchar(20), sum out bigint) as $$
declare
  i int := 0;
  step constant int not null default 2;
  last t.name%type;
  row t%rowtype;
  rec record;
begin
  sum := 0;
  for i in 1..n loop
    insert into t values (i * step, word || i, i / 4.0);
  end loop;
  select into last name from t where id = n * step;
  for rec in select id, name from t where id > step order by id loop
    sum := sum + rec.id;
  end loop;
  select * into row from t where id = 2;
  word := last || ' ' || row.name || ' ' || row.price;
end;
$$ language plpgsql
--> CREATE PROCEDURE

call fill(3, 'w')
--> | w3 w1 0.25 | 10

select * from t order by id
--> | 2 | w1 | 0.25
--> | 4 | w2 | 0.50
--> | 6 | w3 | 0.75

call fill(2)
--> ! 42883 procedure fill(integer) does not exist

call fill('x', 'w')
--> ! 22P02 invalid input syntax for integer: "x"

create procedure levels(n int) as $$
begin
  <<outer>>
  while true loop
    n := n + 1;
    for i in reverse 3..1 loop
      continue when i = 2;
      insert into said (what) values (n || ' ' || i);
      exit outer when n = 2 and i = 3;
    end loop;
  end loop;
  if n > 5 then insert into said (what) values ('more');
  elsif n = 2 then insert into said (what) values ('two');
  else insert into said (what) values ('other');
  end if;
  case n when 1, 2 then insert into said (what) values ('few'); else null; end case;
  case when n > 9 then null; else insert into said (what) values ('end'); end case;
end;
$$ language plpgsql
--> CREATE PROCEDURE

call levels(0)
--> CALL

select what from said order by line
--> | 1 3
--> | 1 1
--> | 2 3
--> | two
--> | few
--> | end

truncate said
--> TRUNCATE TABLE

create or replace procedure levels(n int) as $$
declare
  k int := n;
begin
  loop
    k := k + 1;
    if k % 2 = 0 then continue; end if;
    exit when k > 5;
    insert into said (what) values ('k ' || k);
  end loop;
  declare
    k varchar(9) := 'inner';
  begin
    insert into said (what) values (k);
  end;
  insert into said (what) values (k);
  return;
  insert into said (what) values ('never');
end;
$$ language plpgsql
--> CREATE PROCEDURE

call levels(1)
--> CALL

select what from said order by line
--> | k 3
--> | k 5
--> | inner
--> | 7

-- FOUND, ROW_COUNT, PERFORM, EXECUTE.
create procedure counts(a out int, b out int, c out int, d out varchar(9)) as $$
begin
  update t set price = 0 where id > 2;
  get diagnostics a := row_count;
  perform id from t where id < 0;
  d := found;
  execute 'delete from t where id = ' || 2;
  get diagnostics b := row_count;
  execute 'select count(*) from t' into c;
end;
$$ language plpgsql
--> CREATE PROCEDURE

call counts()
--> | 2 | 1 | 2 | false

create procedure unsafe(name varchar(99)) as $$
begin
  insert into said (what) values (name);
end;
$$ language plpgsql
--> CREATE PROCEDURE

call unsafe('x''); drop table t; --')
--> CALL

select what from said where what like 'x%'
--> | x'); drop table t; --

-- Cursors.
create procedure cursors(n out int) as $$
declare
  one cursor for select id from t order by id;
  some cursor (least int) is select id from t where id >= least order by id;
  any refcursor;
  x int;
begin
  n := 0;
  open one;
  loop
    fetch one into x;
    exit when not found;
    n := n + x;
  end loop;
  close one;
  open some(6);
  fetch some into x;
  n := n * 100 + x;
  close some;
  open any for execute 'select 7';
  fetch any into x;
  n := n * 10 + x;
  close any;
end;
$$ language plpgsql
--> CREATE PROCEDURE

call cursors()
--> | 10067

create procedure given(rs inout refcursor) as $$
begin
  open rs for select id, price from t order by id;
end;
$$ language plpgsql
--> CREATE PROCEDURE

begin
--> BEGIN

call given('mine')
--> | mine

fetch 1 from mine
--> | 4 | 0.00

fetch all from mine
--> | 6 | 0.00

commit
--> COMMIT

fetch all from mine
--> ! 34000 cursor "mine" does not exist

-- A procedure is one transaction, unless it says otherwise.
create procedure fails() as $$
begin
  insert into said (what) values ('lost');
  raise exception 'no % of %%: %', 50, null;
end;
$$ language plpgsql
--> CREATE PROCEDURE

call fails()
--> ! P0001 no 50 of %: <NULL>

select count(*) from said where what = 'lost'
--> | 0

create procedure parts() as $$
begin
  insert into said (what) values ('kept');
  commit;
  insert into said (what) values ('rolled back');
  rollback;
  insert into said (what) values ('kept too');
end;
$$ language plpgsql
--> CREATE PROCEDURE

call parts()
--> CALL

select what from said where what like 'kept%' or what like 'rolled%' order by line
--> | kept
--> | kept too

begin
--> BEGIN

call parts()
--> ! 2D000 COMMIT cannot be invoked from a procedure that is executing in an atomic context.

rollback
--> ROLLBACK

create procedure empties() as $$
begin
  truncate said;
  insert into said (what) values ('new');
end;
$$ language plpgsql
--> CREATE PROCEDURE

call empties()
--> CALL

select what from said
--> | new

-- An error is handled in a new transaction, and goes on.
create procedure handled(x int) as $$
begin
  insert into said (what) values ('before');
  x := x / 0;
exception when others then
  insert into said (what) values (sqlstate || ': ' || sqlerrm);
end;
$$ language plpgsql
--> CREATE PROCEDURE

call handled(1)
--> ! 22012 division by zero

select what from said order by line
--> | new
--> | 22012: division by zero

create procedure goes_on() nonatomic as $$
begin
  insert into said (what) values ('first');
  insert into said (what) select 1 / 0;
  insert into said (what) values ('skipped');
exception when others then
  raise info 'caught %', sqlstate;
end;
$$ language plpgsql
--> CREATE PROCEDURE

call goes_on()
--> CALL

select what from said where what in ('first', 'skipped')
--> | first

select loglevel_text, message, linenum from svl_stored_proc_messages where querytxt like 'call goes_on%' and message like 'caught%' order by query desc limit 1
--> | INFO | caught 22012 | 7

create procedure every() nonatomic as $$
begin
  insert into said (what) select 1 / 0;
  insert into said (what) values ('not skipped');
exception continue_handler when others then
  null;
end;
$$ language plpgsql
--> CREATE PROCEDURE

call every()
--> CALL

select what from said where what like '%skipped'
--> | not skipped

create procedure again() nonatomic as $$
begin
  begin
    raise exception 'inner';
  exception when others then
    raise;
  end;
exception when others then
  insert into said (what) values ('outer ' || sqlerrm);
end;
$$ language plpgsql
--> CREATE PROCEDURE

call again()
--> CALL

select what from said where what like 'outer%'
--> | outer inner

-- Calls of others.
create procedure deeper(n int) as $$
begin
  call deeper(n + 1);
end;
$$ language plpgsql
--> CREATE PROCEDURE

call deeper(1)
--> ! 54001 stored procedure calls can be nested at most 16 deep

create procedure outermost(total out bigint) as $$
declare
  w varchar(20) := 'v';
begin
  call fill(1, w, total);
  total := total + len(w);
end;
$$ language plpgsql
--> CREATE PROCEDURE

call outermost()
--> | 20

-- More than one of a name.
create procedure twice(a int) as $$ begin null; end; $$ language plpgsql
--> CREATE PROCEDURE

create procedure twice(a varchar(5), b int) as $$ begin null; end; $$ language plpgsql
--> CREATE PROCEDURE

create procedure twice(b int) as $$ begin null; end; $$ language plpgsql
--> ! 42723 procedure "twice" already exists with same argument types

drop procedure twice
--> ! 42725 procedure name "twice" is not unique

drop procedure twice(int)
--> DROP PROCEDURE

drop procedure twice
--> DROP PROCEDURE

call twice(1)
--> ! 42883 procedure twice(integer) does not exist

select proname, prokind, pronargs, proargnames, proargmodes from pg_proc_info where proname = 'fill'
--> | fill | p | 2 | {n,word,sum} | {i,b,o}

create procedure no_branch(n int) as $$ begin case n when 1 then null; end case; end; $$ language plpgsql
--> CREATE PROCEDURE

call no_branch(1)
--> CALL

call no_branch(2)
--> ! 20000 case not found

-- Rights: those of the caller, or with SECURITY DEFINER those of the owner.
create procedure peek(n out int) as $$ begin select into n count(*) from said; end; $$ language plpgsql
--> CREATE PROCEDURE

create procedure peek_as_owner(n out int) security definer as $$ begin select into n count(*) from t; end; $$ language plpgsql
--> CREATE PROCEDURE

@ann
call peek()
--> ! 42501 permission denied for procedure peek

grant execute on procedure peek(), peek_as_owner() to ann
--> GRANT

@ann
call peek()
--> ! 42501 permission denied for relation said

@ann
call peek_as_owner()
--> | 3

@ann
select current_user
--> | ann

@ann
drop procedure peek()
--> ! 42501 must be owner of procedure peek

select function_name, privilege_type, identity_name from svv_function_privileges order by 1
--> | peek | EXECUTE | ann
--> | peek_as_owner | EXECUTE | ann

alter procedure peek() rename to look
--> ALTER PROCEDURE

call peek()
--> ! 42883 procedure peek() does not exist

-- What is wrong with a body is said when the procedure is made.
create procedure wrong() as $$ begin selec 1; end; $$ language plpgsql
--> ! 42601 syntax error at or near "selec"

create procedure wrong() as $$ begin select 1; end; $$ language plpgsql
--> ! 42601 SELECT query has no destination for result data

create procedure wrong() as $$ begin x := 1 end; $$ language plpgsql
--> ! 42601 syntax error at end of input

create procedure wrong() as $$ begin raise info '% %', 1; end; $$ language plpgsql
--> ! 42601 too few parameters specified for RAISE

create procedure wrong() as $$ begin if true then null; end; $$ language plpgsql
--> ! 42601 syntax error at or near ";"

create procedure wrong() as $$ begin null; exception when division_by_zero then null; end; $$ language plpgsql
--> ! 42704 unrecognized exception condition "division_by_zero"

create procedure wrong() as $$ begin execute 'select $1' using 1; end; $$ language plpgsql
--> ! 0A000 EXECUTE ... USING is not supported

create procedure wrong() as $$ begin null; end; $$ language sql
--> ! 42704 language "sql" does not exist

create procedure wrong(a int, a int) as $$ begin null; end; $$ language plpgsql
--> ! 42P13 an argument name is used more than once

create procedure typed() as $$ declare x int; begin x := 'one'; end; $$ language plpgsql
--> CREATE PROCEDURE

call typed()
--> ! 22P02 invalid input syntax for integer: "one"

create procedure fixed() as $$ declare x constant int := 1; begin x := 2; end; $$ language plpgsql
--> CREATE PROCEDURE

call fixed()
--> ! 22005 "x" is declared CONSTANT

create procedure unknown() as $$ begin y := 2; end; $$ language plpgsql
--> CREATE PROCEDURE

call unknown()
--> ! 42601 "y" is not a known variable

call nowhere()
--> ! 42883 procedure nowhere() does not exist

create schema apart
--> CREATE SCHEMA

create procedure apart.p() as $$ begin null; end; $$ language plpgsql
--> CREATE PROCEDURE

call apart.p()
--> CALL

drop schema apart
--> ! 2BP01 cannot drop schema apart because other objects depend on it

drop schema apart cascade
--> DROP SCHEMA

call apart.p()
--> ! 42883 procedure apart.p() does not exist
