create table t (a int, b varchar(4))
--> CREATE TABLE

insert into t values (1, 'x')
--> INSERT 0 1

alter table t add column c int not null
--> ! 42601 ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression

alter table t add column c int default 7 not null
--> ALTER TABLE

alter table t add column d timestamp
--> ALTER TABLE

select * from t
--> | 1 | x | 7 | NULL

insert into t (a) values (2)
--> INSERT 0 1

select a, b, c from t order by a
--> | 1 | x | 7
--> | 2 | NULL | 7

alter table t rename column c to cc
--> ALTER TABLE

alter table t rename column nosuch to cc
--> ! 42703 column "nosuch" of relation "t" does not exist

alter table t rename column a to b
--> ! 42701

alter table t drop column d
--> ALTER TABLE

alter table t alter column b type varchar(300)
--> ALTER TABLE

insert into t (b) values ('now this is long enough')
--> INSERT 0 1

alter table t alter column b type varchar(3)
--> ! 22001

alter table t alter column a type bigint
--> ! 0A000

alter table t alter distkey a
--> ALTER TABLE

alter table t alter compound sortkey (b, a)
--> ALTER TABLE

alter table t drop column a
--> ! 0A000 cannot drop distkey column "a"

select distinct diststyle, sortkey1 from svv_table_info
--> | KEY(a) | b

alter table t alter diststyle all
--> ALTER TABLE

alter table t add constraint k primary key (a)
--> ALTER TABLE

select constraint_name, constraint_type from information_schema.table_constraints
--> | k | PRIMARY KEY

alter table t drop constraint k
--> ALTER TABLE

alter table t rename to t2
--> ALTER TABLE

select count(*) from t
--> ! 42P01 relation "t" does not exist

create view v as select b from t2
--> CREATE VIEW

alter table t2 drop column b
--> ! 0A000 cannot drop sortkey column "b"

alter table t2 alter sortkey none
--> ALTER TABLE

alter table t2 drop column b
--> ! 2BP01

alter table t2 drop column b cascade
--> ALTER TABLE

select * from v
--> ! 42P01 relation "v" does not exist

create table more (a int, cc int)
--> CREATE TABLE

insert into more values (8, 9)
--> INSERT 0 1

alter table t2 append from more
--> ALTER TABLE APPEND

select a, cc from t2 where a = 8
--> | 8 | 9

select count(*) from more
--> | 0

comment on table t2 is 'what it is for'
--> COMMENT

comment on column t2.a is 'a number'
--> COMMENT

select remarks from svv_tables where table_name = 't2'
--> | what it is for

select remarks from svv_columns where table_name = 't2' and column_name = 'a'
--> | a number
