create function f_larger(int, int) returns int stable as $$
  select case when $1 > $2 then $1 else $2 end
$$ language sql
--> CREATE FUNCTION

select f_larger(3, 7), f_larger(7, null) is null, f_larger(a + 1, 2) from (select 5 as a) t
--> | 7 | t | 6

create table t (id int, name varchar(9), price decimal(8, 2))
--> CREATE TABLE

insert into t values (1, 'tea', 2.50), (2, 'rice', 1.25), (3, null, 4)
--> INSERT 0 3

create function f_shout(varchar, word varchar(20)) returns varchar(40) immutable as $$ select upper($1) || ' ' || $2 $$ language sql
--> CREATE FUNCTION

select f_shout(name, 'now') from t order by id
--> | TEA now
--> | RICE now
--> | NULL

select f_larger(id, 2) as l, count(*), sum(f_larger(id, 0)) from t group by f_larger(id, 2) order by 1
--> | 2 | 2 | 3
--> | 3 | 1 | 3

select id from t where f_larger(id, 2) = 2 order by f_larger(id, 0) desc
--> | 2
--> | 1

update t set price = f_larger(id, 2) where id < 3
--> UPDATE 2

select price from t order by id
--> | 2.00
--> | 2.00
--> | 4.00

-- An argument is computed once, and a text stays a text.
create function f_twice(float) returns boolean volatile as $$ select $1 = $1 $$ language sql
--> CREATE FUNCTION

select f_twice(random())
--> | t

select f_shout('x''; drop table t; --', 'y')
--> | X'; DROP TABLE T; -- y

-- Of others, and in a schema.
create function f_largest(int, int, int) returns int stable as $$ select f_larger($1, f_larger($2, $3)) $$ language sql
--> CREATE FUNCTION

select f_largest(1, 9, 3), public.f_largest(4, 5, 6)
--> | 9 | 6

create function f_larger(float, float) returns float stable as $$ select greatest($1, $2) $$ language sql
--> CREATE FUNCTION

select f_larger(1.5, 2), f_larger(1, 2)
--> | 2 | 2

select f_larger('a', 'b')
--> ! 42725 function f_larger is not unique

select f_larger(1)
--> ! 42883 function f_larger(integer) does not exist

select nowhere.f_larger(1, 2)
--> ! 42883 function nowhere.f_larger(integer, integer) does not exist

-- What is wrong with one.
create function f_wrong(int) returns int stable as $$ select id from t $$ language sql
--> ! 42P13 a SQL function must be a SELECT of one expression, without FROM and other clauses

create function f_wrong(int) returns int stable as $$ select sum($1) $$ language sql
--> ! 42803 aggregates not allowed in WHERE clause

create function f_wrong(int) returns int stable as $$ select $2 $$ language sql
--> ! 42P02 there is no parameter $2

create function f_wrong(int) returns date stable as $$ select $1 $$ language sql
--> ! 42P13 return type mismatch in function declared to return date

create function f_wrong(int) returns int stable as $$ select $1; select 2 $$ language sql
--> ! 42601 syntax error at end of input

create function f_wrong(int) returns int as $$ select $1 $$ language sql
--> ! 42601 a function must be VOLATILE, STABLE or IMMUTABLE

create function f_wrong(a int) returns int stable as $$ return a $$ language plpythonu
--> ! 0A000 LANGUAGE plpythonu is not supported: Redshift supports no Python functions after June 30, 2026

create function f_larger(int, int) returns int stable as $$ select $1 $$ language sql
--> ! 42723 function "f_larger" already exists with same argument types

create or replace function f_larger(int, int) returns bigint stable as $$ select $1 $$ language sql
--> ! 42P13 cannot change return type of existing function

create or replace function f_larger(int, int) returns int stable as $$ select greatest($1, $2) $$ language sql
--> CREATE FUNCTION

select f_larger(3, 7)
--> | 7

-- Rights, views, system views.
create view v as select f_shout(name, 'v') as word from t
--> CREATE VIEW

select word from v where word is not null order by 1
--> | RICE v
--> | TEA v

drop function f_shout(varchar, varchar)
--> ! 2BP01 cannot drop function f_shout because other objects depend on it

create materialized view m as select f_larger(id, 1) as l from t
--> ! 0A000 user-defined functions are not supported in a materialized view definition

@ann
select f_larger(1, 2)
--> | 2

revoke execute on function f_larger(int, int) from public
--> REVOKE

@ann
select f_larger(1, 2)
--> ! 42501 permission denied for function f_larger

@ann
drop function f_larger(int, int)
--> ! 42501 must be owner of function f_larger

select proname, prokind, provolatile, pronargs, proargtypes from pg_proc where proname like 'f\\_l%' order by proname, proargtypes
--> | f_larger | f | s | 2 | 23 23
--> | f_larger | f | s | 2 | 701 701
--> | f_largest | f | s | 3 | 23 23 23

select function_name, function_type, argument_type, result_type from svv_redshift_functions where function_name = 'f_shout'
--> | f_shout | REGULAR FUNCTION | character varying, character varying | character varying

drop function f_shout(varchar, varchar) cascade
--> DROP FUNCTION

select * from v
--> ! 42P01 relation "v" does not exist

create procedure uses(n inout int) as $$ begin n := f_largest(n, 5, 2); end; $$ language plpgsql
--> CREATE PROCEDURE

call uses(3)
--> | 5
