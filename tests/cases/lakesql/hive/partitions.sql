CREATE EXTERNAL TABLE hits (n int) PARTITIONED BY (day string, hour int) STORED AS PARQUET LOCATION 's3://lake/hits/'
=0

ALTER TABLE hits ADD PARTITION (day = '2020-01-01', hour = 1) LOCATION 's3://lake/hits/day=2020-01-01/hour=1/' PARTITION (day = '2020-01-01', hour = 2)
=0

SHOW PARTITIONS hits
=> day=2020-01-01/hour=1
=> day=2020-01-01/hour=2

ALTER TABLE hits ADD PARTITION (day = '2020-01-01', hour = 1)
=! FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. AlreadyExistsException(message:Partition already exists: [2020-01-01, 1])

ALTER TABLE hits ADD IF NOT EXISTS PARTITION (day = '2020-01-01', hour = 1) PARTITION (day = '2020-01-02', hour = 0)
=0

SHOW PARTITIONS hits
=> day=2020-01-01/hour=1
=> day=2020-01-01/hour=2
=> day=2020-01-02/hour=0

ALTER TABLE hits ADD PARTITION (day = '2020-01-03')
=! FAILED: SemanticException partition spec {day=2020-01-03} does not have

ALTER TABLE hits ADD PARTITION (month = '2020-01')
=! FAILED: SemanticException partition spec {month=2020-01}

ALTER TABLE hits PARTITION (day = '2020-01-01', hour = 2) SET LOCATION 's3://lake/elsewhere/'
=0

ALTER TABLE hits PARTITION (day = '2020-01-01', hour = 2) RENAME TO PARTITION (day = '2020-01-01', hour = 3)
=0

ALTER TABLE hits DROP PARTITION (day = '2020-01-02', hour = 0), PARTITION (day = '2020-01-01', hour = 1)
=0

SHOW PARTITIONS hits
=> day=2020-01-01/hour=3

ALTER TABLE hits DROP PARTITION (day = '1999-01-01', hour = 0)
=! FAILED: SemanticException [Error 10006]: Partition not found

ALTER TABLE hits DROP IF EXISTS PARTITION (day = '1999-01-01', hour = 0)
=0

SELECT count(*) FROM hits
=> "0"

CREATE EXTERNAL TABLE flat (n int) LOCATION 's3://lake/flat/'
=0

SHOW PARTITIONS flat
=! FAILED: SemanticException [Error 10241]: Table flat is not a partitioned table

ALTER TABLE flat ADD PARTITION (day = '2020-01-01')
=! FAILED: SemanticException [Error 10241]: Table flat is not a partitioned table
