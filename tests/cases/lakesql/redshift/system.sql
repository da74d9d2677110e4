SELECT current_user, user, session_user, current_database(), current_schema(), current_schema, pg_backend_pid(), pg_last_copy_count()
=> awsuser | awsuser | awsuser | dev | public | public | 42 | 7

SELECT left(version(), 19), split_part(version(), ', ', 3) LIKE 'Redshift 1.0.%'
=> PostgreSQL 8.0.2 on | t

SELECT has_table_privilege('people', 'select'), has_table_privilege('awsuser', 'people', 'insert'), has_schema_privilege('public', 'SELECT')
=> t | f | t

SELECT current_setting('timezone')
=> UTC

SELECT current_setting('nothing')
=! 42704 at 8: unrecognized configuration parameter "nothing"

SELECT format_type(1043, 14), format_type(1700, 655366), format_type(23, -1)
=> character varying(10) | numeric(10,2) | integer

SELECT nextval('s')
=! 0A000 at 8: Function 'nextval' is not supported: there are no sequences
