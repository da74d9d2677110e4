-- Tables and their attributes.

create table t (id int identity(10, 5), name varchar(5) not null default 'none', amount decimal(10, 2) encode az64, day date, primary key (id)) distkey(name) compound sortkey(day, id)
--> CREATE TABLE

create table t (a int)
--> ! 42P07 Relation "t" already exists

create table if not exists t (a int)
--> CREATE TABLE

insert into t (amount) values (1.005), (2)
--> INSERT 0 2

insert into t (name, day) values ('toolong', null)
--> ! 22001 value too long for type character varying(5)

insert into t (name) values (null)
--> ! 23502

select count(*), min(amount), max(name) from t
--> | 2 | 1.01 | none

select count(distinct id), sum(mod(id, 5)) from t
--> | 2 | 0

select "column", type, encoding, distkey, sortkey, "notnull" from pg_table_def where tablename = 't'
--> | id | integer | none | f | 2 | t
--> | name | character varying(5) | lzo | t | 0 | t
--> | amount | numeric(10,2) | az64 | f | 0 | f
--> | day | date | none | f | 1 | f

select "table", diststyle, sortkey1, sortkey_num, tbl_rows from svv_table_info
--> | t | KEY(name) | day | 2 | 2.0000

select indexdef from pg_indexes where schemaname = 'public' and tablename = 't'
--> | CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id)

create table u (like t)
--> CREATE TABLE

select "column", type, distkey, sortkey from pg_table_def where tablename = 'u'
--> | id | integer | f | 2
--> | name | character varying(5) | t | 0
--> | amount | numeric(10,2) | f | 0
--> | day | date | f | 1

create table v (a int, a int)
--> ! 42701 column "a" specified more than once

create table v (a int, primary key (b))
--> ! 42703

create table v (a nosuchtype)
--> ! 42704

create table v (a int[])
--> ! 0A000 arrays are not supported

create table v (a serial)
--> ! 0A000

create table v (a int encode huffman)
--> ! 42601

create table v (a int) diststyle key
--> ! 42601

create table v (a int, b
--> ! 42601 syntax error at end of input

create table nosuch.v (a int)
--> ! 3F000 schema "nosuch" does not exist

create temp table t2 (a int)
--> CREATE TABLE

create table #t3 as select 7 as a
--> SELECT

select * from #t3
--> | 7

create table w as select id, name, amount * 2 as twice from t
--> SELECT

select twice from w order by 1
--> | 2.02
--> | 4.00

drop table w, u
--> DROP TABLE

drop table w
--> ! 42P01 Table "w" does not exist

drop table if exists w
--> DROP TABLE

truncate table t
--> TRUNCATE TABLE

select count(*) from t
--> | 0

create index i on t (id)
--> ! 0A000 CREATE INDEX is not supported
