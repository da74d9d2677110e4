-- What files tell of their rows never hides a row that a condition takes.
CREATE TABLE p (i int, l bigint, d decimal(10,2), f double, s string, b boolean, day date, at timestamp) PARTITIONED BY (day(at), truncate(2, s), bucket(3, l)) LOCATION 's3://lake/p/' TBLPROPERTIES ('table_type'='ICEBERG')

INSERT INTO p VALUES (1, 10, DECIMAL '1.50', 0.5, 'alpha', true, DATE '2024-01-01', TIMESTAMP '2024-01-01 23:59:59.999999'), (-5, -3, DECIMAL '-7.25', -1.5, 'beta', false, DATE '1969-12-31', TIMESTAMP '1969-12-31 12:00:00'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)

SELECT l FROM p WHERE i = 1
=> 10

SELECT l FROM p WHERE i < 0 AND d <= DECIMAL '-7.25' AND f < 0
=> -3

SELECT l FROM p WHERE s = 'alpha' AND b
=> 10

SELECT l FROM p WHERE s BETWEEN 'b' AND 'c'
=> -3

SELECT l FROM p WHERE day = DATE '1969-12-31'
=> -3

SELECT l FROM p WHERE at < TIMESTAMP '1970-01-01 00:00:00'
=> -3

SELECT l FROM p WHERE at >= TIMESTAMP '2024-01-01 23:59:59.999999'
=> 10

SELECT l FROM p WHERE at >= DATE '2024-01-01'
=> 10

SELECT l FROM p WHERE l IN (10, -3) ORDER BY 1
=> -3
=> 10

SELECT l FROM p WHERE i <> 1
=> -3

SELECT count(*) FROM p WHERE i IS NULL
=> 1

SELECT l FROM p WHERE i = 1.0
=> 10

SELECT l FROM p WHERE d = 1.5
=> 10

SELECT count(*) FROM p WHERE i > 99999999999
=> 0
