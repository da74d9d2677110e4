create table t (id int, name varchar(9))
--> CREATE TABLE

insert into t values (1, 'one'), (2, 'two')
--> INSERT 0 2

create view v (number, word) as select id, name from t where id < 2
--> CREATE VIEW

select word from v where number = 1
--> | one

create view v as select 1 as a
--> ! 42P07 Relation "v" already exists

create or replace view v as select id * 10 as ten from t
--> CREATE VIEW

select * from v order by 1
--> | 10
--> | 20

create view bad as select nosuch from t
--> ! 42703

create view twice as select id, id from t
--> ! 42701

create view late as select * from public.soon with no schema binding
--> CREATE VIEW

select * from late
--> ! 42P01

create table soon as select 5 as a
--> SELECT

select * from late
--> | 5

drop table soon
--> DROP TABLE

drop table t
--> ! 2BP01 cannot drop table t because other objects depend on it

drop view t
--> ! 42809 "t" is not a view

drop table v
--> ! 42809 "v" is not a table

insert into v values (1)
--> ! 0A000 cannot insert into a view

create view over_v as select ten from v
--> CREATE VIEW

drop view v
--> ! 2BP01

drop table t cascade
--> DROP TABLE

select viewname from pg_views where schemaname = 'public'
--> | late
