SELECT x FROM people
=! COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved

SELECT
  people.nope
FROM people
=! COLUMN_NOT_FOUND: line 2:3: Column 'people.nope' cannot be resolved

SELECT id FROM nope
=! TABLE_NOT_FOUND: line 1:16: Table 'awsdatacatalog.default.nope' does not exist

SELECT id FROM other.people
=! SCHEMA_NOT_FOUND: line 1:16: Schema 'other' does not exist

SELECT id FROM elsewhere.default.people
=! CATALOG_NOT_FOUND: line 1:16: Catalog 'elsewhere' does not exist

SELECT foo(1)
=! FUNCTION_NOT_FOUND: line 1:8: Function 'foo' not registered

SELECT read_csv('x')
=! FUNCTION_NOT_FOUND: line 1:8: Function 'read_csv' not registered

SELECT getenv('HOME')
=! FUNCTION_NOT_FOUND: line 1:8: Function 'getenv' not registered

SELECT * FROM read_parquet('/etc/passwd')
=! FUNCTION_NOT_FOUND: line 1:15: Table function 'read_parquet' not registered

SELECT * FROM glob('*')
=! SYNTAX_ERROR

SELECT * FROM '/etc/passwd'
=! SYNTAX_ERROR

SELECT * FROM "/etc/passwd"
=! TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.default./etc/passwd' does not exist

SELECT * FROM duckdb_settings()
=! FUNCTION_NOT_FOUND

PRAGMA version
=! SYNTAX_ERROR: line 1:1: mismatched input 'PRAGMA'

ATTACH 'x'
=! SYNTAX_ERROR: line 1:1: mismatched input 'ATTACH'

COPY people TO 'x'
=! SYNTAX_ERROR: line 1:1: mismatched input 'COPY'

INSTALL httpfs
=! SYNTAX_ERROR: line 1:1: mismatched input 'INSTALL'

SET x = 1
=! NOT_SUPPORTED

SELECT 1; SELECT 2
=! SYNTAX_ERROR

SELECT
=! SYNTAX_ERROR

SELECT 1 FROM
=! SYNTAX_ERROR: line 1:14: mismatched input '<EOF>'

SELEC 1
=! SYNTAX_ERROR: line 1:1: mismatched input 'SELEC'

SELECT (1
=! SYNTAX_ERROR

SELECT 1)
=! SYNTAX_ERROR: line 1:9: mismatched input ')'

SELECT 'abc
=! SYNTAX_ERROR

SELECT `id` FROM people
=! SYNTAX_ERROR: line 1:8: backquoted identifiers are not supported; use double quotes to quote identifiers

SELECT * EXCLUDE (id) FROM people
=! SYNTAX_ERROR

SELECT id FROM people QUALIFY row_number() OVER () = 1
=! SYNTAX_ERROR

SELECT id::varchar FROM people
=! SYNTAX_ERROR: line 1:10: mismatched input '::'

SELECT [1, 2]
=! SYNTAX_ERROR: line 1:8: mismatched input '['

SELECT {'a': 1}
=! SYNTAX_ERROR: line 1:8: mismatched input '{'

SELECT id FROM people WHERE name ILIKE 'a'
=! NOT_SUPPORTED

SELECT * FROM people PIVOT (count(*) FOR city IN ('Bern'))
=! NOT_SUPPORTED

SELECT a.id FROM people
=! COLUMN_NOT_FOUND: line 1:8: Column 'a.id' cannot be resolved

SELECT nope.* FROM people
=! TABLE_NOT_FOUND: line 1:8: Unable to resolve reference nope

SELECT *
=! COLUMN_NOT_FOUND: line 1:8: SELECT * not allowed in queries without FROM clause

SELECT * FROM (VALUES (1, 2)) t(a)
=! MISMATCHED_COLUMN_ALIASES: Column alias list has 1 entries but 't' has 2 columns available

VALUES (1, 2), (3)
=! TYPE_MISMATCH

VALUES 1, 'a'
=! TYPE_MISMATCH

SELECT id FROM people NATURAL JOIN orders
=! NOT_SUPPORTED
