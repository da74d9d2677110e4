SELECT 1 AS a, a + 1 AS b, b * 2 AS c
=> 1 | 2 | 4

-- A column is found before an alias of that name.
SELECT age + 1 AS age, age FROM people WHERE id = 1
=> 37 | 36

SELECT TOP 2 id FROM people ORDER BY id DESC
=> 4
=> 3

SELECT id FROM people ORDER BY id LIMIT 2 OFFSET 1
=> 2
=> 3

SELECT id, age FROM people ORDER BY age DESC, id
=> 3 | NULL
=> 4 | 61
=> 1 | 36
=> 2 | 25

SELECT id, age FROM people ORDER BY 2 NULLS FIRST, 1 LIMIT 2
=> 3 | NULL
=> 2 | 25

SELECT city, count(*) AS n FROM people GROUP BY city HAVING count(*) > 1 ORDER BY city
=> Bern   | 2
=> Lyon   | 2

SELECT left(city, 1) AS letter, sum(age) FROM people GROUP BY letter ORDER BY 1
=> B | 61
=> L | 61

SELECT left(city, 1), max(name) FROM people GROUP BY 1 ORDER BY 1
=> B | Bo
=> L | Cy

SELECT city, name FROM people GROUP BY city
=! 42803 at 14: column "name" must appear in the GROUP BY clause or be used in an aggregate function

SELECT name, count(*) FROM people
=! 42803 at 8: column "name" must appear in the GROUP BY clause or be used in an aggregate function

SELECT city FROM people GROUP BY 3
=! 42P10 at 34: GROUP BY position 3 is not in select list

SELECT id FROM people WHERE count(*) > 1
=! 42803 at 29: aggregates not allowed in WHERE clause

SELECT sum(count(*)) FROM people
=! 42803 at 12: aggregate function calls may not be nested

SELECT city, age > 30 AS old, count(*) FROM people GROUP BY ROLLUP (city, old) ORDER BY 1, 2, 3
=> Bern   | f | 1
=> Bern   | t | 1
=> Bern   | NULL | 2
=> Lyon   | t | 1
=> Lyon   | NULL | 1
=> Lyon   | NULL | 2
=> NULL | NULL | 4

SELECT city, grouping(city), count(*) FROM people GROUP BY GROUPING SETS ((city), ()) ORDER BY 1
=> Bern   | 0 | 2
=> Lyon   | 0 | 2
=> NULL | 1 | 4

SELECT city, id, count(*) FROM people WHERE id < 3 GROUP BY CUBE (city, id) ORDER BY 1, 2
=> Bern   | 1 | 1
=> Bern   | 2 | 1
=> Bern   | NULL | 2
=> NULL | 1 | 1
=> NULL | 2 | 1
=> NULL | NULL | 2

SELECT DISTINCT city FROM people ORDER BY city
=> Bern  
=> Lyon  

SELECT DISTINCT city FROM people ORDER BY id
=! 42P10 at 43: for SELECT DISTINCT, ORDER BY expressions must appear in select list

SELECT DISTINCT ON (city) id FROM people
=! 0A000 at 21: SELECT DISTINCT ON is not supported

SELECT p.name, o.id FROM people p JOIN orders o ON o.person = p.id ORDER BY o.id
=> Ada | 10
=> Ada | 11
=> Bo | 12

SELECT p.id, o.id FROM people p LEFT JOIN orders o ON o.person = p.id AND o.amount > 6 ORDER BY 1, 2
=> 1 | 10
=> 2 | 12
=> 3 | NULL
=> 4 | NULL

SELECT p.id, o.id FROM orders o RIGHT JOIN people p ON o.person = p.id WHERE o.id IS NULL ORDER BY 1
=> 3 | NULL
=> 4 | NULL

SELECT count(*) FROM people FULL JOIN orders ON orders.person = people.id
=> 6

SELECT count(*) FROM people CROSS JOIN orders
=> 16

SELECT id, a.name, b.city FROM people a JOIN people b USING (id) WHERE id = 1
=> 1 | Ada | Bern  

SELECT count(*) FROM (SELECT id, name FROM people) a NATURAL JOIN (SELECT id, city FROM people) b
=> 4

SELECT id FROM people a, people b
=! 42702 at 8: column reference "id" is ambiguous

SELECT x.id FROM people
=! 42703 at 8: column x.id does not exist

SELECT id FROM nowhere
=! 42P01 at 16: relation "nowhere" does not exist

SELECT nothing FROM people
=! 42703 at 8: column "nothing" does not exist

SELECT p.nothing FROM people p
=! 42703 at 8: column p.nothing does not exist

SELECT name FROM people WHERE id IN (SELECT person FROM orders) ORDER BY 1
=> Ada
=> Bo

SELECT name FROM people p WHERE EXISTS (SELECT 1 FROM orders o WHERE o.person = p.id AND o.amount > 10)
=> Ada

SELECT id, (SELECT max(amount) FROM orders o WHERE o.person = p.id) FROM people p ORDER BY id
=> 1 | 19.90
=> 2 | 7.25
=> 3 | NULL
=> 4 | NULL

SELECT (SELECT id FROM people)
=! 21000: more than one row returned by a subquery used as an expression

SELECT (SELECT id, name FROM people)
=! 42601 at 16: subquery must return only one column

SELECT id FROM people WHERE age > ALL (SELECT age FROM people WHERE city = 'Bern') ORDER BY 1
=> 4

SELECT id FROM people WHERE (id, city) IN (SELECT person, 'Bern' FROM orders) ORDER BY 1
=> 1
=> 2

SELECT id FROM people WHERE id NOT IN (1, 2) ORDER BY 1
=> 3
=> 4

SELECT 1 UNION SELECT 1 UNION ALL SELECT 2 ORDER BY 1
=> 1
=> 2

SELECT id FROM people MINUS SELECT person FROM orders ORDER BY 1
=> 3
=> 4

SELECT id FROM people INTERSECT SELECT person FROM orders ORDER BY id
=> 1
=> 2

SELECT 1, 2 UNION SELECT 1
=! 42601 at 8: each UNION query must have the same number of columns

SELECT 1 UNION SELECT DATE '2020-01-01'
=! 42804 at 8: UNION types integer and date cannot be matched

SELECT NULL AS a UNION ALL SELECT 1 ORDER BY 1
=> 1
=> NULL

WITH a AS (SELECT 1 AS x), b (y) AS (SELECT x + 1 FROM a) SELECT x, y FROM a, b
=> 1 | 2

WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT sum(n), count(*) FROM r
=> 15 | 5

WITH RECURSIVE tree(id, path) AS (SELECT id, name FROM people WHERE id = 1 UNION ALL SELECT p.id, t.path || '/' || p.name FROM people p JOIN tree t ON p.id = t.id + 1 WHERE p.name IS NOT NULL) SELECT * FROM tree ORDER BY id
=> 1 | Ada
=> 2 | Ada/Bo
=> 3 | Ada/Bo/Cy

SELECT * FROM (VALUES (1)) t
=! 42601 at 24: syntax error at or near "values"

VALUES (1)
=! 42601 at 1: syntax error at or near "VALUES"

SELECT id, rank FROM (SELECT id, rank() OVER (PARTITION BY city ORDER BY id) FROM people) q WHERE rank = 1 ORDER BY id
=> 1 | 1
=> 3 | 1

SELECT id, row_number() OVER (ORDER BY id DESC) AS n FROM people QUALIFY n <= 2 ORDER BY id
=> 3 | 2
=> 4 | 1

SELECT city, id FROM people QUALIFY row_number() OVER (PARTITION BY city ORDER BY id) = 1 ORDER BY city
=> Bern   | 1
=> Lyon   | 3

SELECT * FROM (SELECT city, id % 2 AS odd, age FROM people) PIVOT (sum(age) FOR odd IN (0, 1 AS one)) ORDER BY city
=> Bern   | 25 | 36
=> Lyon   | 61 | NULL

SELECT * FROM (SELECT 1 AS a, NULL::int AS b, 'k' AS c) UNPIVOT (v FOR n IN (a, b)) ORDER BY n
=> k | a | 1

SELECT * FROM generate_series(1, 3)
=> 1
=> 2
=> 3

SELECT g FROM generate_series(10, 1, -4) AS t(g)
=> 10
=> 6
=> 2

SELECT count(*) FROM generate_series(1, 3), people
=! 0A000: Specified types or functions (one per INFO message) not supported on Redshift tables.

SELECT "ID", "Name" FROM "People" WHERE "id" = 1
=> 1 | Ada

SELECT id FROM public.people WHERE people.id = 1
=> 1

SELECT id AS "select", name n FROM people AS p (id, name, c, a, h) WHERE p.id = 1
=> 1 | Ada

SELECT
=! 42601: syntax error at end of input

SELECT 1 FROM
=! 42601 at 14: syntax error at end of input

SELECT * FROM people WHERE
=! 42601 at 27: syntax error at end of input

SELECT 1 AS select
=! 42601 at 19: syntax error at end of input

SELECT (1
=! 42601 at 10: syntax error at end of input

SELECT 'abc
=! 42601 at 8: unterminated quoted string at or near "'abc"

SELEC 1
=! 42601 at 1: syntax error at or near "SELEC"

SELECT foo(1)
=! 42883 at 8: function foo(integer) does not exist

SELECT count(*) FILTER (WHERE age > 1) FROM people
=! 0A000 at 8: FILTER (COUNT(*) FILTER(WHERE age > 1)) is not supported

SELECT id FROM people WHERE name
=! 42804 at 29: argument of WHERE must be type boolean, not type character varying

SELECT id FROM people WHERE 1
=! 42804 at 29: argument of WHERE must be type boolean, not type integer

SELECT -- a comment
  1 /* and /* one */ more */ AS x
=> 1

SELECT '2020-01-01' AS d UNION SELECT day FROM orders WHERE id = 10 ORDER BY 1
=> 2020-01-01
=> 2020-01-31

SELECT * EXCLUDE (age, height) FROM people WHERE id = 1
=> 1 | Ada | Bern  

SELECT * EXCLUDE (nothing) FROM people
=! 42703 at 8: column "nothing" does not exist

SELECT generate_series(1, 3) AS n, 'x'
=> 1 | x
=> 2 | x
=> 3 | x

SELECT generate_series(1, 3), id FROM people
=! 0A000: Specified types or functions (one per INFO message) not supported on Redshift tables.

SELECT people.id FROM people, orders WHERE people.id = orders.person(+)
=! 0A000 at 56: the (+) operator of outer joins is not supported; use LEFT JOIN

SELECT id FROM people WHERE id BETWEEN SYMMETRIC 2 AND 1
=! 42601 at 29: syntax error at or near "symmetric"

SELECT id FROM people TABLESAMPLE BERNOULLI (10)
=! 42601 at 16: syntax error at or near "tablesample"

SELECT id FROM people ORDER BY id LIMIT 1 + 1
=! 42601 at 41: syntax error at or near "1"

SELECT if(true, 1, 2)
=! 42883 at 8: function if(boolean, integer, integer) does not exist

SELECT id FROM people WHERE name = ANY (ARRAY['Ada'])
=! 42601 at 47: syntax error at or near "array"

SELECT {'a': 1}
=! 42601 at 8: syntax error at or near "{"

SELECT age ->> 'x' FROM people
=! 0A000 at 8: JSONEXTRACTSCALAR (JSON_EXTRACT_SCALAR(age, '$.x')) is not supported

SELECT sum(age) OVER (ORDER BY id GROUPS 1 PRECEDING) FROM people
=! 42601 at 42: syntax error at or near "groups"

SELECT (id, name) FROM people
=! 0A000 at 9: row expressions are not supported here

SELECT pg_catalog.upper('a'), 'b'::pg_catalog.varchar, 'ab' OPERATOR(pg_catalog.~) '^a'
=> A | b | t

-- A constant that has a name is no position, and keeps its type.
SELECT id, 1 AS one, 'x' AS x, x || 'y', one + 0.5 FROM people ORDER BY one, id DESC LIMIT 2
=> 4 | 1 | x | xy | 1.5
=> 3 | 1 | x | xy | 1.5

SELECT , id FROM people
=! 42601 at 8: syntax error at or near ","

SELECT id, FROM people
=! 42601 at 12: syntax error at or near "FROM"

SELECT count(DISTINCT) FROM people
=! 42883 at 8: function count() does not exist

SELECT grouping(id) FROM people GROUP BY city
=! 42803 at 8: arguments to GROUPING must be grouping expressions of the query

SELECT 1.5e
=! 42601 at 8: syntax error at or near "1.5e"

SELECT count(*), max(count) FROM people
=! 42703 at 22: column "count" does not exist

SELECT count(*) AS n, max(n) FROM people
=! 42803 at 27: aggregate function calls may not be nested
