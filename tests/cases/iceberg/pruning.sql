-- What files tell of their rows never hides a row that a condition takes.
CREATE TABLE p (i int, l bigint, d decimal(10,2), f double, s string, b boolean, day date, at timestamp) PARTITIONED BY (day(at), truncate(2, s), bucket(3, l)) LOCATION 's3://lake/p/' TBLPROPERTIES ('table_type'='ICEBERG')

INSERT INTO p VALUES (1, 10, DECIMAL '1.50', 0.5, 'alpha', true, DATE '2024-01-01', TIMESTAMP '2024-01-01 23:59:59.999999'), (-5, -3, DECIMAL '-7.25', -1.5, 'beta', false, DATE '1969-12-31', TIMESTAMP '1969-12-31 12:00:00'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)

SELECT 'a', l FROM p WHERE i = 1
UNION ALL SELECT 'b', l FROM p WHERE i < 0 AND d <= DECIMAL '-7.25' AND f < 0
UNION ALL SELECT 'c', l FROM p WHERE s = 'alpha' AND b
UNION ALL SELECT 'd', l FROM p WHERE s BETWEEN 'b' AND 'c'
UNION ALL SELECT 'e', l FROM p WHERE day = DATE '1969-12-31'
UNION ALL SELECT 'f', l FROM p WHERE at < TIMESTAMP '1970-01-01 00:00:00'
UNION ALL SELECT 'g', l FROM p WHERE at >= TIMESTAMP '2024-01-01 23:59:59.999999'
UNION ALL SELECT 'h', l FROM p WHERE at >= DATE '2024-01-01'
UNION ALL SELECT 'i', l FROM p WHERE l IN (10, -3)
UNION ALL SELECT 'j', l FROM p WHERE i <> 1
UNION ALL SELECT 'k', count(*) FROM p WHERE i IS NULL
UNION ALL SELECT 'l', l FROM p WHERE i = 1.0
UNION ALL SELECT 'm', l FROM p WHERE d = 1.5
UNION ALL SELECT 'n', count(*) FROM p WHERE i > 99999999999
ORDER BY 1, 2
=> a,10
=> b,-3
=> c,10
=> d,-3
=> e,-3
=> f,-3
=> g,10
=> h,10
=> i,-3
=> i,10
=> j,-3
=> k,1
=> l,10
=> m,10
=> n,0
