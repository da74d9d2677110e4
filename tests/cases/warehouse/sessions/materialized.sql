create table sales (id int, item varchar(9), price decimal(8, 2))
--> CREATE TABLE

insert into sales values (1, 'tea', 2.50), (2, 'tea', 3.00), (3, 'rice', 1.25)
--> INSERT 0 3

create materialized view totals backup no diststyle key distkey (item) sortkey (item) auto refresh no as
select item, sum(price) as total, count(*) as n from sales group by item
--> CREATE MATERIALIZED VIEW

select * from totals order by item
--> | rice | 1.25 | 1
--> | tea | 5.50 | 2

-- What its tables get later, it has once it is refreshed.
insert into sales values (4, 'rice', 10)
--> INSERT 0 1

select total from totals where item = 'rice'
--> | 1.25

select name, is_stale, state, autorefresh from svv_mv_info
--> | totals | t | 0 | f

refresh materialized view totals
--> REFRESH

select total from totals where item = 'rice'
--> | 11.25

select database_name = current_database(), schema_name, user_name, is_stale from svv_mv_info
--> | t | public | awsuser | f

refresh materialized view totals
--> REFRESH

select mv_name, status, refresh_type from svl_mv_refresh_status where db_name = current_database() order by starttime
--> | totals | Refresh successfully recomputed MV from scratch | Manual
--> | totals | MV was already updated | Manual

-- In a transaction it sees what the transaction has done, and is taken back with it.
begin
--> BEGIN

delete from sales where item = 'tea'
--> DELETE 2

refresh materialized view totals
--> REFRESH

select count(*) from totals
--> | 1

rollback
--> ROLLBACK

select count(*) from totals
--> | 2

select is_stale from stv_mv_info
--> | f

update sales set price = 2 where id = 1
--> UPDATE 1

select is_stale from stv_mv_info
--> | t

truncate sales
--> TRUNCATE TABLE

refresh materialized view totals
--> REFRESH

select count(*) from totals
--> | 0

insert into sales values (5, 'salt', 1)
--> INSERT 0 1

-- One of another; CASCADE refreshes what depends on it.
create materialized view overall as select sum(total) as total from totals
--> CREATE MATERIALIZED VIEW

create view over_it as select total * 2 as twice from overall
--> CREATE VIEW

refresh materialized view totals
--> REFRESH

select twice from over_it
--> | NULL

refresh materialized view totals cascade
--> REFRESH

select twice from over_it
--> | 2.00

select name, ref_name from stv_mv_deps order by name
--> | overall | totals
--> | totals | sales

-- Nothing but REFRESH writes to it.
insert into totals values ('x', 1, 1)
--> ! 0A000 cannot insert into a materialized view

update totals set n = 0
--> ! 0A000 cannot update a materialized view

delete from totals
--> ! 0A000 cannot delete from a materialized view

truncate totals
--> ! 42809 "totals" is not a table

alter table totals add column x int
--> ! 42809 "totals" is a materialized view

alter table totals rename to sums
--> ! 42809 "totals" is a materialized view

drop table totals
--> ! 42809 "totals" is not a table

drop view totals
--> ! 42809 "totals" is not a view

drop materialized view totals
--> ! 2BP01 cannot drop materialized view totals because other objects depend on it

drop table sales
--> ! 2BP01 cannot drop table sales because other objects depend on it

alter table sales drop column price
--> ! 2BP01 cannot drop table sales column price because other objects depend on it

drop materialized view sales
--> ! 42809 "sales" is not a materialized view

-- Columns that a table gets later are not in it.
create materialized view copied as select * from sales
--> CREATE MATERIALIZED VIEW

alter table sales add column more int default 7
--> ALTER TABLE

refresh materialized view copied
--> REFRESH

select * from copied
--> | 5 | salt | 1.00

-- Rights.
@ann
select * from totals
--> ! 42501 permission denied for relation totals

grant select on totals to ann
--> GRANT

@ann
select item from totals
--> | salt

@ann
refresh materialized view totals
--> ! 42501 must be owner of relation totals

@ann
drop materialized view totals
--> ! 42501 must be owner of relation totals

-- How it is kept can be changed.
alter materialized view totals alter diststyle all
--> ALTER MATERIALIZED VIEW

alter materialized view totals alter sortkey (n)
--> ALTER MATERIALIZED VIEW

alter materialized view totals auto refresh yes
--> ALTER MATERIALIZED VIEW

alter materialized view overall auto refresh yes
--> ! 0A000 AUTO REFRESH is not supported for materialized views that use other materialized views

select autorefresh from svv_mv_info where name = 'totals'
--> | t

select definition from pg_views where viewname = 'totals'
--> | CREATE MATERIALIZED VIEW "public"."totals" BACKUP NO DISTSTYLE ALL COMPOUND SORTKEY ("n") AUTO REFRESH YES AS select item, sum(price) as total, count(*) as n from sales group by item

select "table", diststyle, sortkey1 from svv_table_info where "table" = 'totals'
--> | totals | ALL | n

select table_name from information_schema.views where view_definition ilike '%create materialized view%' order by 1
--> | copied
--> | overall
--> | totals

-- What cannot be in one.
create materialized view wrong as select id from sales order by id
--> ! 0A000 ORDER BY is not supported in a materialized view definition

create materialized view wrong as select id from sales limit 1
--> ! 0A000 LIMIT is not supported in a materialized view definition

create materialized view wrong as select * from over_it
--> ! 0A000 views are not supported in a materialized view definition

create materialized view wrong as select * from pg_class
--> ! 0A000 system tables are not supported in a materialized view definition

create materialized view wrong as select id, id from sales
--> ! 42701 column "id" specified more than once

create materialized view totals as select id from sales
--> ! 42P07 Relation "totals" already exists

create materialized view wrong auto refresh yes as select id, getdate() as at from sales
--> ! 0A000 AUTO REFRESH is not supported for materialized views that use mutable functions

create materialized view dated as select id, getdate() as at from sales
--> CREATE MATERIALIZED VIEW

select is_stale from svv_mv_info where name = 'dated'
--> | t

refresh materialized view sales
--> ! 42809 "sales" is not a materialized view

refresh materialized view nothing
--> ! 42P01 relation "nothing" does not exist

drop materialized view if exists nothing
--> DROP MATERIALIZED VIEW

drop materialized view dated
--> DROP MATERIALIZED VIEW

drop table sales cascade
--> DROP TABLE

select count(*) from svv_mv_info
--> | 0
