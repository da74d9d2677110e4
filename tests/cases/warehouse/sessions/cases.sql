-- Names are folded, those in quotes too, until the session says otherwise.
create table "Folded" ("Id" int)
--> CREATE TABLE

select id from folded
--> | none

show enable_case_sensitive_identifier
--> | off

set enable_case_sensitive_identifier to true
--> SET

show enable_case_sensitive_identifier
--> | on

create table "Sales" ("Id" int, "itemName" varchar(9), plain int)
--> CREATE TABLE

create table sales (id int)
--> CREATE TABLE

insert into "Sales" ("Id", "itemName", PLAIN) values (1, 'tea', 10), (2, 'rice', 20)
--> INSERT 0 2

insert into sales values (7)
--> INSERT 0 1

select "Id", "itemName", Plain from "Sales" order by "Id"
--> | 1 | tea | 10
--> | 2 | rice | 20

select id from "Sales"
--> ! 42703 column "id" does not exist

select * from SALES
--> | 7

select * from "SALES"
--> ! 42P01 relation "SALES" does not exist

select s."Id" + 1 as "Next", "s"."itemName" from "Sales" s where "Id" in (select "Id" from "Sales" where "itemName" = 'tea')
--> | 2 | tea

with "Mine" as (select "Id" as "ID" from "Sales") select "ID" from "Mine" group by "ID" order by "ID"
--> | 1
--> | 2

update "Sales" set "itemName" = 'TEA' where "Id" = 1
--> UPDATE 1

delete from "Sales" where "Id" = 2
--> DELETE 1

select * from "Sales"
--> | 1 | TEA | 10

create table "Copied" as select "Id" as "Number" from "Sales"
--> SELECT

select "Number" from "Copied"
--> | 1

alter table "Copied" add column "More" int default 5
--> ALTER TABLE

alter table "Copied" rename column "More" to "Extra"
--> ALTER TABLE

select "Extra" from "Copied"
--> | 5

select tablename from pg_tables where schemaname = 'public' order by 1
--> | Copied
--> | Sales
--> | folded
--> | sales

select column_name from svv_columns where table_name = 'Sales' order by ordinal_position
--> | Id
--> | itemName
--> | plain

select has_table_privilege('"Sales"', 'select')
--> | t

create view "Shown" as select "Id", "itemName" as "Item" from "Sales"
--> CREATE VIEW

select "Item" from "Shown"
--> | TEA

select definition from pg_views where viewname = 'Shown'
--> | select "Id", "itemName" as "Item" from "Sales"

create schema "Apart"
--> CREATE SCHEMA

create table "Apart"."T" (a int)
--> CREATE TABLE

set search_path to "Apart", public
--> SET

select a from "T"
--> | none

select current_schema(), current_schemas(false)
--> | Apart | {pg_catalog,Apart,public}

show search_path
--> | Apart, public

set search_path to public
--> SET

create procedure "Fill"("Count" int, "Last" out int) as $$
declare
  "Row" record;
begin
  for "Row" in select "Id" from "Sales" loop
    "Last" := "Row"."Id" * "Count";
  end loop;
  execute 'insert into "Sales" ("Id") values (9)';
end;
$$ language plpgsql
--> CREATE PROCEDURE

call "Fill"(5)
--> | 5

call fill(5)
--> ! 42883 procedure fill(integer) does not exist

create materialized view "Held" as select count(*) as "N" from "Sales"
--> CREATE MATERIALIZED VIEW

select "N" from "Held"
--> | 2

-- Users, groups and roles have names without case.
create group "CaseReaders"
--> CREATE GROUP

grant select on "Sales" to group "CASEREADERS"
--> GRANT

drop table "Nothing"
--> ! 42P01 Table "Nothing" does not exist

select "Nope" from "Sales"
--> ! 42703 column "Nope" does not exist

set enable_case_sensitive_identifier to off
--> SET

select * from "Sales"
--> | 7

select "Item" from "Shown"
--> ! 42P01 relation "shown" does not exist

drop table "Shown"
--> ! 42P01 Table "shown" does not exist
