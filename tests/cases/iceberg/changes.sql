CREATE TABLE t (id int, part string, n double) PARTITIONED BY (part) LOCATION 's3://lake/t/' TBLPROPERTIES ('table_type'='ICEBERG')

INSERT INTO t VALUES (1, 'a', 1), (2, 'a', NULL), (3, NULL, 3), (4, 'b', 4)
=# 4

-- What is neither true nor false of a row leaves it alone.
DELETE FROM t WHERE n <> 1 AND part = 'a'
=# 0

-- A row may move to another partition.
UPDATE t SET part = 'c', n = n * 2 WHERE id IN (1, 3)
=# 2

SELECT part, count(*) FROM t GROUP BY part ORDER BY part
=> a,1
=> b,1
=> c,2

SELECT partition.part, record_count FROM "t$partitions" ORDER BY 1
=> a,1
=> b,1
=> c,2

UPDATE t SET n = 0, n = 1
=! SYNTAX_ERROR: line 1:21: Multiple assignments for the column 'n'

UPDATE t SET n = (SELECT max(id) FROM t AS u WHERE u.part = t.part)
=# 4

SELECT id, n FROM t ORDER BY id
=> 1,3.0
=> 2,2.0
=> 3,3.0
=> 4,4.0

-- The first clause that holds counts; a row for which none does stays.
MERGE INTO t USING (VALUES (1, 'x'), (2, 'y'), (3, 'z'), (7, 'new'), (8, NULL)) AS s (id, what) ON t.id = s.id
WHEN MATCHED AND s.what = 'x' THEN DELETE
WHEN MATCHED AND s.what = 'y' THEN UPDATE SET part = s.what
WHEN NOT MATCHED AND s.what IS NOT NULL THEN INSERT (part, id) VALUES (s.what, s.id)
=# 3

SELECT id, part, n FROM t ORDER BY id
=> 2,y,2.0
=> 3,c,3.0
=> 4,b,4.0
=> 7,new,

MERGE INTO t USING (VALUES 2, 2) AS s (id) ON t.id = s.id WHEN MATCHED THEN UPDATE SET n = 0
=! MERGE_TARGET_ROW_MULTIPLE_MATCHES: One MERGE target table row matched more than one source row

-- Rows that are matched twice, but not changed, may be.
MERGE INTO default.t AS a USING (VALUES 2, 2) AS s (id) ON a.id = s.id WHEN MATCHED AND false THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'p', 0)
=# 0

MERGE INTO t USING t AS s ON t.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE
=! NOT_SUPPORTED

MERGE INTO t USING (SELECT 1 AS id) AS s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id, n) VALUES (s.id)
=! INVALID_ARGUMENTS

DELETE FROM t WHERE nothing = 1
=! COLUMN_NOT_FOUND: line 1:21: Column 'nothing' cannot be resolved

DELETE FROM "t$files"
=! TABLE_NOT_FOUND

CREATE EXTERNAL TABLE h (a int) LOCATION 's3://lake/h/'

DELETE FROM h
=! NOT_SUPPORTED: line 1:1: Modifying table rows is only supported for Iceberg tables: default.h is none

DELETE FROM t
=# 4

SELECT count(*) FROM t
=> 0
