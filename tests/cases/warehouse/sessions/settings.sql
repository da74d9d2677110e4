show search_path
--> | "$user", public

create schema s
--> CREATE SCHEMA

create table s.one (a int)
--> CREATE TABLE

set search_path to s, public
--> SET

select count(*) from one
--> | 0

select current_schema()
--> | s

reset search_path
--> RESET

select count(*) from one
--> ! 42P01 relation "one" does not exist

set nosuch to 1
--> ! 42704 unrecognized configuration parameter "nosuch"

show nosuch
--> ! 42704 unrecognized configuration parameter "nosuch"

set server_version to '9'
--> ! 55P02

set statement_timeout to 'soon'
--> ! 22023

set timezone to 'America/New_York'
--> SET

select cast('2020-07-01 12:00:00+00' as timestamptz)
--> | 2020-07-01 08:00:00-04

set timezone to 'Nowhere'
--> ! 22023

set timezone to default
--> SET

show enable_case_sensitive_identifier
--> | off

create table "Mixed" ("Ab" int)
--> CREATE TABLE

select ab from mixed
--> | none

set enable_case_sensitive_identifier to perhaps
--> ! 22023 parameter "enable_case_sensitive_identifier" requires a Boolean value

reset all
--> RESET

set my.variable to 'here'
--> SET

select current_setting('my.variable')
--> | here

set session authorization ann
--> SET

select current_user, session_user
--> | ann | awsuser

reset session authorization
--> RESET

select current_user
--> | awsuser

set enable_result_cache_for_session to off
--> SET

set wlm_query_slot_count to 7
--> ! 22023
