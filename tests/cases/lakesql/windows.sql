SELECT id, row_number() OVER (ORDER BY age), rank() OVER (ORDER BY city), dense_rank() OVER (ORDER BY city DESC) FROM people ORDER BY id
=: integer, bigint, bigint, bigint
=> 1 | 2 | 1 | 2
=> 2 | 1 | 1 | 2
=> 3 | 4 | 3 | 1
=> 4 | 3 | 3 | 1

SELECT id, lag(id) OVER (ORDER BY id), lead(id, 2) OVER (ORDER BY id), lead(id, 2, 0) OVER (ORDER BY id) FROM people ORDER BY id
=> 1 | NULL | 3 | 3
=> 2 | 1 | 4 | 4
=> 3 | 2 | NULL | 0
=> 4 | 3 | NULL | 0

SELECT id, first_value(name) OVER (PARTITION BY city ORDER BY id), last_value(id) OVER (PARTITION BY city ORDER BY id), nth_value(id, 2) OVER (PARTITION BY city ORDER BY id) FROM people ORDER BY id
=> 1 | Ada | 1 | NULL
=> 2 | Ada | 2 | 2
=> 3 | Cy | 3 | NULL
=> 4 | Cy | 4 | 4

SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), sum(id) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), avg(id) OVER (PARTITION BY city) FROM people ORDER BY id
=> 1 | 1 | 10 | 1.5
=> 2 | 3 | 10 | 1.5
=> 3 | 5 | 10 | 3.5
=> 4 | 7 | 10 | 3.5

SELECT x, sum(x) OVER (ORDER BY x), count(*) OVER (ORDER BY x RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM (VALUES 1, 1, 2, 5) t(x) ORDER BY x
=> 1 | 2 | 3
=> 1 | 2 | 3
=> 2 | 4 | 3
=> 5 | 9 | 1

SELECT id, last_value(age) IGNORE NULLS OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM people ORDER BY id
=> 1 | 36
=> 2 | 25
=> 3 | 25
=> 4 | 61

SELECT ntile(2) OVER (ORDER BY id), percent_rank() OVER (ORDER BY id), cume_dist() OVER (ORDER BY id) FROM people ORDER BY id
=> 1 | 0.0 | 0.25
=> 1 | 0.3333333333333333 | 0.5
=> 2 | 0.6666666666666666 | 0.75
=> 2 | 1.0 | 1.0

SELECT city, sum(count(*)) OVER () FROM people GROUP BY city ORDER BY city
=> Bern | 4
=> Lyon | 4

SELECT id, rank() OVER w FROM people WINDOW w AS (ORDER BY city) ORDER BY id
=> 1 | 1
=> 2 | 1
=> 3 | 3
=> 4 | 3

SELECT row_number() FROM people
=! MISSING_OVER: line 1:8: Window function row_number requires an OVER clause

SELECT id FROM people WHERE row_number() OVER (ORDER BY id) = 1
=! NESTED_WINDOW

SELECT lower('a') OVER ()
=! FUNCTION_NOT_WINDOW

SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY city ORDER BY id DESC) n FROM people) WHERE n = 1 ORDER BY id
=> 2
=> 4

SELECT array_agg(id) OVER (ORDER BY id), count(*) FILTER (WHERE age > 30) OVER () FROM people ORDER BY id LIMIT 2
=> [1] | 2
=> [1, 2] | 2
