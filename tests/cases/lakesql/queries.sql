SELECT * FROM people ORDER BY id LIMIT 2
=: integer, varchar, varchar, integer, double
=> 1 | Ada | Bern | 36 | 1.7
=> 2 | Bo | Bern | 25 | 1.8

SELECT id FROM people ORDER BY age
=> 2
=> 1
=> 4
=> 3

SELECT id FROM people ORDER BY age DESC
=> 4
=> 1
=> 2
=> 3

SELECT id FROM people ORDER BY age DESC NULLS FIRST
=> 3
=> 4
=> 1
=> 2

SELECT id FROM people ORDER BY id OFFSET 1 LIMIT 2
=> 2
=> 3

SELECT city FROM people ORDER BY city FETCH FIRST 1 ROW WITH TIES
=> Bern
=> Bern

SELECT id FROM people ORDER BY id FETCH FIRST 2 ROWS ONLY
=> 1
=> 2

SELECT id AS x FROM people ORDER BY -x LIMIT 1
=> 4

SELECT id FROM people ORDER BY 2
=! INVALID_COLUMN_REFERENCE: line 1:32: ORDER BY position 2 is not in select list

SELECT DISTINCT city FROM people ORDER BY city
=> Bern
=> Lyon

SELECT DISTINCT city FROM people ORDER BY id
=! EXPRESSION_NOT_IN_DISTINCT: line 1:43: For SELECT DISTINCT, ORDER BY expressions must appear in select list

SELECT p.name, o.id FROM people p JOIN orders o ON p.id = o.person ORDER BY o.id
=> Ada | 10
=> Ada | 11
=> Bo | 12

SELECT p.id, o.id FROM people p LEFT JOIN orders o ON p.id = o.person ORDER BY p.id, o.id
=> 1 | 10
=> 1 | 11
=> 2 | 12
=> 3 | NULL
=> 4 | NULL

SELECT p.id, o.id FROM people p FULL JOIN orders o ON p.id = o.person WHERE o.id IS NULL OR p.id IS NULL ORDER BY 1, 2
=> 3 | NULL
=> 4 | NULL
=> NULL | 13

SELECT * FROM (VALUES (1, 'a')) t(k, x) JOIN (VALUES (1, 'b')) u(k, y) USING (k)
=> 1 | a | b

SELECT t.k FROM (VALUES 1) t(k) JOIN (VALUES 1) u(k) USING (k)
=! COLUMN_NOT_FOUND: line 1:8: Column 't.k' cannot be resolved

SELECT count(*) FROM people, orders
=> 16

SELECT id FROM people p CROSS JOIN orders
=! AMBIGUOUS_NAME: line 1:8: Column 'id' is ambiguous

SELECT o.id, i FROM orders o CROSS JOIN UNNEST(items) AS u(i) ORDER BY 1, 2
=> 10 | ink
=> 10 | pen
=> 11 | pen

SELECT o.id, i, n FROM orders o LEFT JOIN UNNEST(items) WITH ORDINALITY AS u(i, n) ON true ORDER BY 1, 3
=> 10 | pen | 1
=> 10 | ink | 2
=> 11 | pen | 1
=> 12 | NULL | NULL
=> 13 | NULL | NULL

SELECT * FROM UNNEST(ARRAY[1, 2], ARRAY['a']) AS t(a, b)
=> 1 | a
=> 2 | NULL

SELECT k, v FROM events CROSS JOIN UNNEST(tags) AS t(k, v) ORDER BY k
=> a | 1
=> b | 2

SELECT a, b FROM UNNEST(ARRAY[ROW(1, 'x'), ROW(2, 'y')]) AS t(a, b)
=> 1 | x
=> 2 | y

SELECT * FROM UNNEST(1) AS t(a)
=! TYPE_MISMATCH: line 1:22: Cannot unnest type: integer

WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT a.x, b.y FROM a, b
=> 1 | 2

WITH t (a, b) AS (VALUES (1, 2)) SELECT b, a FROM t
=> 2 | 1

WITH people AS (SELECT 99 AS id) SELECT id FROM people
=> 99

SELECT x FROM (SELECT id AS x FROM people) WHERE x = 1
=> 1

SELECT (SELECT max(id) FROM people), (SELECT name FROM people WHERE id = 2)
=> 4 | Bo

SELECT (SELECT id FROM people)
=! SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows

SELECT name FROM people p WHERE EXISTS (SELECT 1 FROM orders o WHERE o.person = p.id) ORDER BY 1
=> Ada
=> Bo

SELECT name FROM people WHERE id IN (SELECT person FROM orders) ORDER BY 1
=> Ada
=> Bo

-- A NULL among them makes it unknown.
SELECT name FROM people WHERE id NOT IN (SELECT person FROM orders)
=0

SELECT p.name, (SELECT count(*) FROM orders o WHERE o.person = p.id) FROM people p ORDER BY p.id
=> Ada | 2
=> Bo | 1
=> Cy | 0
=> NULL | 0

SELECT 1 UNION SELECT 1 UNION ALL SELECT 2 ORDER BY 1
=> 1
=> 2

SELECT 1 UNION ALL SELECT 1.5 ORDER BY 1
=: double
=> 1.0
=> 1.5

SELECT 1, 2 UNION SELECT 1
=! TYPE_MISMATCH: line 1:8: UNION query has different number of fields: 2, 1

SELECT 1 UNION SELECT 'a'
=! TYPE_MISMATCH: line 1:8: column 1 in UNION query has incompatible types: integer, varchar(1)

SELECT city FROM people INTERSECT SELECT 'Bern'
=> Bern

SELECT city FROM people EXCEPT SELECT 'Bern'
=> Lyon

VALUES (1, 'a'), (2, NULL) ORDER BY 1 DESC
=> 2 | NULL
=> 1 | a

TABLE people ORDER BY id LIMIT 1
=> 1 | Ada | Bern | 36 | 1.7

SELECT * FROM people TABLESAMPLE BERNOULLI (100) WHERE id = 1
=> 1 | Ada | Bern | 36 | 1.7

SELECT ID, Name FROM PEOPLE WHERE "id" = 1
=> 1 | Ada

SELECT p.* FROM people p JOIN orders o ON p.id = o.person WHERE o.id = 12
=> 2 | Bo | Bern | 25 | 1.8

SELECT "$path" FROM people LIMIT 1
=> s3://lake/people/0.parquet

SELECT people.id, default.people.id, awsdatacatalog.default.people.id FROM awsdatacatalog.default.people WHERE id = 1
=> 1 | 1 | 1

SELECT t.id FROM "default"."people" t WHERE t.id = 1
=> 1

SELECT 1 WHERE false
=0

SELECT id FROM people WHERE id
=! TYPE_MISMATCH: line 1:29: WHERE clause must evaluate to a boolean: actual type integer

SELECT a.x, b.x FROM (VALUES 1, 2) a(x) JOIN (VALUES 2, 3) b(x) ON a.x < b.x ORDER BY 1, 2
=> 1 | 2
=> 1 | 3
=> 2 | 3

SELECT x FROM (VALUES 1, 2, 3) t(x) WHERE x > ALL (SELECT 1) ORDER BY x
=> 2
=> 3

SELECT * FROM (people p JOIN orders o ON p.id = o.person) WHERE o.id = 12
=> 2 | Bo | Bern | 25 | 1.8 | 12 | 2 | 7.25 | 2020-02-01 12:00:00.000 | [] | 2020-02-01

SELECT t.n FROM people CROSS JOIN LATERAL (SELECT people.id * 10 AS n) t WHERE people.id = 2
=> 20

SELECT 1 UNION SELECT 2 INTERSECT SELECT 2 ORDER BY 1
=> 1
=> 2

SELECT TRY(1 / (SELECT 0)), TRY((SELECT 5))
=> NULL | 5

SELECT id FROM people WHERE id <> 1 AND 10 / (id - 1) > 4 ORDER BY id
=> 2
=> 3

SELECT max(p.id) FROM people p GROUP BY p.city ORDER BY min(p.id) DESC
=> 4
=> 2

SELECT date_format(placed, '%Y-%m') AS month, count(*) FROM orders WHERE placed IS NOT NULL GROUP BY date_format(placed, '%Y-%m') ORDER BY month
=> 2020-01 | 1
=> 2020-02 | 2

SELECT n.a, n.b FROM (VALUES ROW(1, 'x')) n(a, b)
=> 1 | x

SELECT city AS c FROM people GROUP BY c
=! COLUMN_NOT_FOUND: line 1:39: Column 'c' cannot be resolved

SELECT id AS x FROM people WHERE x = 1
=! COLUMN_NOT_FOUND: line 1:34: Column 'x' cannot be resolved

SELECT id FROM people WHERE city = 'Bern' AND (age > 30 OR height > 1.75) ORDER BY id
=> 1
=> 2

SELECT DISTINCT city, age IS NULL FROM people ORDER BY 1, 2
=> Bern | false
=> Lyon | false
=> Lyon | true

SELECT name FROM people WHERE name NOT IN ('Ada', NULL)
=0

WITH RECURSIVE r (n) AS (SELECT 1) SELECT n FROM r
=! NOT_SUPPORTED: line 1:16: WITH RECURSIVE is not supported

-- A constant that has a name is no position.
SELECT id, 2 AS one FROM people ORDER BY one, id DESC LIMIT 2
=> 4 | 2
=> 3 | 2
