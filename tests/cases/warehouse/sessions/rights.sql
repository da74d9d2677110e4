create schema s
--> CREATE SCHEMA

create table s.t (a int, b int)
--> CREATE TABLE

insert into s.t values (1, 2)
--> INSERT 0 1

create view s.v as select a from s.t
--> CREATE VIEW

@ann
select * from s.t
--> ! 42501 permission denied for schema s

grant usage on schema s to ann
--> GRANT

@ann
select * from s.t
--> ! 42501 permission denied for relation t

grant select (a) on s.t to ann
--> GRANT

@ann
select a from s.t
--> | 1

@ann
select b from s.t
--> ! 42501 permission denied for relation t

create group readers with user ann
--> CREATE GROUP

grant select on all tables in schema s to group readers
--> GRANT

@ann
select * from s.t
--> | 1 | 2

@ann
select * from s.v
--> | 1

@ann
insert into s.t values (3, 4)
--> ! 42501 permission denied for relation t

@ann
truncate s.t
--> ! 42501 must be owner of relation t

@ann
drop table s.t
--> ! 42501 must be owner of relation t

@ann
alter table s.t add column c int
--> ! 42501 must be owner of relation t

@ann
grant select on s.t to public
--> ! 42501

@ann
create table s.mine (a int)
--> ! 42501 permission denied for schema s

@ann
create table mine (a int)
--> CREATE TABLE

@ann
create schema other
--> ! 42501

@ann
create user bob password 'Abcd1234'
--> ! 42501 permission denied to create user; must be superuser

select has_table_privilege('ann', 's.t', 'select'), has_table_privilege('ann', 's.t', 'insert')
--> | t | f

alter group readers drop user ann
--> ALTER GROUP

@ann
select b from s.t
--> ! 42501 permission denied for relation t

revoke select on s.v from group readers
--> REVOKE

create role writer
--> CREATE ROLE

grant insert on s.t to role writer
--> GRANT

grant role writer to ann
--> GRANT

@ann
insert into s.t values (5, 6)
--> INSERT 0 1

alter default privileges in schema s grant select on tables to public
--> ALTER DEFAULT PRIVILEGES

create table s.later (a int)
--> CREATE TABLE

@ann
select * from s.later
--> | none

drop user ann
--> ! 2BP01 user "ann" cannot be dropped because

create user weak password 'short'
--> ! 22023 password must be 8 to 64 characters in length

create user ann password 'Abcd1234'
--> ! 42710 user "ann" already exists

grant select on nosuch to ann
--> ! 42P01

grant flying on s.t to ann
--> ! 42601

grant usage on s.t to ann
--> ! 0LP01

revoke role writer from ann
--> REVOKE

drop role writer
--> DROP ROLE

drop group readers
--> DROP GROUP
