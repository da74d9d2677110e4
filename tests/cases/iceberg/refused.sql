CREATE TABLE things (id int, name string, at timestamp) PARTITIONED BY (day(at)) LOCATION 's3://lake/things/' TBLPROPERTIES ('table_type'='ICEBERG')

ALTER TABLE things CHANGE COLUMN name name int
=! FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. InvalidOperationException(message:Cannot change column type: name: string -> int)

ALTER TABLE things DROP COLUMN at
=! FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. InvalidOperationException(message:Cannot drop partition field: at)

ALTER TABLE things DROP COLUMN nothing
=! FAILED: SemanticException [Error 10002]: Invalid column reference nothing

ALTER TABLE things ADD COLUMNS (name string)
=! FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. InvalidOperationException(message:Duplicate column name: name)

ALTER TABLE things SET TBLPROPERTIES ('nothing'='1')
=! INVALID_TABLE_PROPERTY: Unsupported table property key: nothing

ALTER TABLE things SET TBLPROPERTIES ('format'='orc')
=! NOT_SUPPORTED: Iceberg tables with files of orc are not supported; use parquet

ALTER TABLE things ADD PARTITION (at = 'x')
=! line 1:20: mismatched input 'ADD'

CREATE TABLE t (a int) LOCATION 's3://lake/t/'
=! line 1:16: mismatched input '('. Expecting: 'EXTERNAL TABLE

CREATE TABLE t (a tinyint) LOCATION 's3://lake/t/' TBLPROPERTIES ('table_type'='ICEBERG')
=! NOT_SUPPORTED: Type not supported for Iceberg: tinyint

CREATE TABLE t (a int) PARTITIONED BY (day(a)) LOCATION 's3://lake/t/' TBLPROPERTIES ('table_type'='ICEBERG')
=! INVALID_TABLE_PROPERTY: Invalid partition transform: day(a): it takes no int

CREATE TABLE things (id int) LOCATION 's3://lake/x/' TBLPROPERTIES ('table_type'='ICEBERG')
=! FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. AlreadyExistsException(message:Table things already exists)

CREATE TABLE IF NOT EXISTS things (id int) LOCATION 's3://lake/x/' TBLPROPERTIES ('table_type'='ICEBERG')

INSERT INTO things VALUES (1)
=! TYPE_MISMATCH: line 1:1: Insert query has mismatched column types: Table: [integer, varchar, timestamp(6)], Query: [integer]

UPDATE things SET nothing = 1
=! COLUMN_NOT_FOUND: line 1:19: The target table does not have a column named 'nothing'

UPDATE things SET id = 'x'
=! TYPE_MISMATCH: line 1:24: Expected integer for column 'id', but got varchar(1)

SELECT * FROM "things$nothing"
=! TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.default.things$nothing' does not exist

OPTIMIZE things REWRITE DATA USING BIN_PACK WHERE id = 1
=! NOT_SUPPORTED: line 1:1: OPTIMIZE takes conditions on columns that the table is partitioned by only
