-- What clients and tools ask.

create table parent (id int primary key, code varchar(3) unique)
--> CREATE TABLE

create table child (id int not null, parent int references parent (id), label varchar(20) default 'none')
--> CREATE TABLE

create view v as select id from child
--> CREATE VIEW

select true where exists (select * from information_schema.tables where table_schema = 'public' and table_name = 'child')
--> | t

select table_name, table_type from svv_tables where table_schema = 'public' order by 1
--> | child | BASE TABLE
--> | parent | BASE TABLE
--> | v | VIEW

select column_name, data_type, is_nullable, character_maximum_length, column_default from svv_columns where table_schema = 'public' and table_name = 'child' order by ordinal_position
--> | id | integer | NO | NULL | NULL
--> | parent | integer | YES | NULL | NULL
--> | label | character varying | YES | 20 | 'none'

select c.relname, a.attname, t.typname, a.atttypmod from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid join pg_type t on t.oid = a.atttypid where n.nspname = 'public' and c.relname = 'child' order by a.attnum
--> | child | id | int4 | -1
--> | child | parent | int4 | -1
--> | child | label | varchar | 24

select constraint_name, table_name, column_name from information_schema.key_column_usage order by 2, 1
--> | child_parent_fkey | child | parent
--> | parent_code_key | parent | code
--> | parent_pkey | parent | id

select contype, conname, conkey, confkey from pg_constraint order by conname
--> | f | child_parent_fkey | {2} | {1}
--> | u | parent_code_key | {2} | NULL
--> | p | parent_pkey | {1} | NULL

select tablename, tableowner from pg_tables where schemaname = 'public' order by 1
--> | child | awsuser
--> | parent | awsuser

select definition from pg_views where viewname = 'v'
--> | select id from child

select usename, usesuper from pg_user where usename in ('ann', 'awsuser') order by 1
--> | ann | f
--> | awsuser | t

select nspname from pg_namespace where nspname not like 'pg\_%' order by 1
--> | information_schema
--> | public

select count(*) > 0 from pg_settings where name = 'search_path'
--> | t

select count(*) from stv_sessions where process = pg_backend_pid()
--> | 1

select count(*) > 3 from stl_query where pid = pg_backend_pid() and aborted = 0
--> | t

select count(*) from stl_load_errors where 1 = 0
--> | 0

select schemaname from svv_external_schemas
--> | none

select table_name from svv_redshift_tables where table_name = 'child' and database_name = current_database()
--> | child

select nosuch from pg_class
--> ! 42703 column "nosuch" does not exist

insert into pg_class values (1)
--> ! 42501

select * from pg_catalog.nosuch
--> ! 42P01

comment on table child is 'of a parent'
--> COMMENT

comment on column child.label is 'what it is called'
--> COMMENT

select obj_description('child'::regclass), col_description('child'::regclass, 3)
--> | of a parent | what it is called

select c.relname, pg_catalog.pg_table_is_visible(c.oid) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname in ('public', 'information_schema') and c.relname in ('child', 'views') order by 1
--> | child | t
--> | views | f

select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), (select pg_catalog.pg_get_expr(d.adbin, d.adrelid) from pg_catalog.pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum) from pg_catalog.pg_attribute a where a.attrelid = 'child'::regclass order by a.attnum
--> | id | integer | NULL
--> | parent | integer | NULL
--> | label | character varying(20) | 'none'

create view late as select id, label from public.child with no schema binding
--> CREATE VIEW

select view_name, col_name, col_type from pg_get_late_binding_view_cols() c(view_schema name, view_name name, col_name name, col_type varchar, col_num int) order by col_num
--> | late | id | integer
--> | late | label | character varying(20)

select pg_get_viewdef('v'::regclass)
--> | select id from child

select nspname as found from pg_namespace where found like 'publ%'
--> | public

select (pg_catalog.current_schemas(true))[1]
--> | pg_catalog
