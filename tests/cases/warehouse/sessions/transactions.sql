create table t (a int)
--> CREATE TABLE

begin
--> BEGIN

insert into t values (1)
--> INSERT 0 1

create table u (b int)
--> CREATE TABLE

select nosuch from t
--> ! 42703

select 1
--> ! 25P02 current transaction is aborted, commands ignored until end of transaction block

commit
--> ROLLBACK

select count(*) from t
--> | 0

select * from u
--> ! 42P01 relation "u" does not exist

begin transaction isolation level serializable
--> BEGIN

set query_group to 'mine'
--> SET

create schema s
--> CREATE SCHEMA

alter table t add column b int
--> ALTER TABLE

create user someone password 'Abcd1234'
--> CREATE USER

rollback
--> ROLLBACK

show query_group
--> | default

select count(*) from pg_namespace where nspname = 's'
--> | 0

select count(*) from pg_user where usename = 'someone'
--> | 0

begin
--> BEGIN

insert into t values (5)
--> INSERT 0 1

truncate t
--> TRUNCATE TABLE

rollback
--> ROLLBACK

select count(*) from t
--> | 0

begin
--> BEGIN

create database other
--> ! 25001 CREATE DATABASE cannot run inside a transaction block

end
--> ROLLBACK

begin
--> BEGIN

declare c cursor for select * from (select 1 as a union all select 2 union all select 3) x order by a
--> DECLARE CURSOR

fetch next from c
--> | 1

fetch forward 10 from c
--> | 2
--> | 3

fetch c
--> ! 42601

rollback
--> ROLLBACK

fetch 1 from c
--> ! 34000 cursor "c" does not exist

declare c cursor for select 1
--> ! 25P01 DECLARE CURSOR may only be used in transaction blocks

savepoint a
--> ! 0A000 SAVEPOINT is not supported

prepare p (int) as select $1 + 1 as more
--> PREPARE

execute p (41)
--> | 42

execute nosuch
--> ! 26000

deallocate p
--> DEALLOCATE
