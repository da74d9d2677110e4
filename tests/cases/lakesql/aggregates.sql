SELECT count(*), count(age), count(DISTINCT city), sum(age), avg(age), min(name), max(height) FROM people
=: bigint, bigint, bigint, bigint, double, varchar, double
=> 4 | 3 | 2 | 122 | 40.666666666666664 | Ada | 1.8

SELECT count(*), sum(age), avg(age), max(name), array_agg(name) FROM people WHERE id > 100
=> 0 | NULL | NULL | NULL | NULL

SELECT city, count(*), sum(age) FROM people GROUP BY city ORDER BY city
=> Bern | 2 | 61
=> Lyon | 2 | 61

SELECT city, count(*) AS n FROM people GROUP BY 1 HAVING count(age) > 1 ORDER BY n DESC
=> Bern | 2

SELECT upper(city), count(*) FROM people GROUP BY upper(city) ORDER BY 1
=> BERN | 2
=> LYON | 2

SELECT name, count(*) FROM people
=! EXPRESSION_NOT_AGGREGATE: line 1:8: 'name' must be an aggregate expression or appear in GROUP BY clause

SELECT city, age FROM people GROUP BY city
=! EXPRESSION_NOT_AGGREGATE: line 1:14: 'age' must be an aggregate expression or appear in GROUP BY clause

SELECT sum(count(*)) FROM people
=! NESTED_AGGREGATION

SELECT count(*) FROM people WHERE count(*) > 1
=! EXPRESSION_NOT_SCALAR

SELECT sum(name) FROM people
=! FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (varchar) for function sum.

SELECT array_agg(name ORDER BY name DESC), array_agg(age ORDER BY id), array_agg(id ORDER BY id) FILTER (WHERE age > 30) FROM people
=> [Cy, Bo, Ada, null] | [36, 25, null, 61] | [1, 4]
-- NULLs are kept, and come last.

SELECT max_by(name, age), min_by(name, age), max_by(id, age), max_by(id, age, 2), min_by(id, age, 2) FROM people
=> NULL | Bo | 4 | [4, 1] | [2, 1]

SELECT max(age, 2), min(age, 2) FROM people
=> [61, 36] | [25, 36]

SELECT bool_and(age > 20), bool_or(age > 60), every(age > 30), count_if(age > 30) FROM people
=> true | true | false | 2

SELECT map_agg(id, name), histogram(city) FROM people WHERE id < 3
=> {1=Ada, 2=Bo} | {Bern=2}

SELECT multimap_agg(city, id) FROM (SELECT * FROM people ORDER BY id) p
=> {Bern=[1, 2], Lyon=[3, 4]}

SELECT map_union(m) FROM (VALUES MAP(ARRAY['a'], ARRAY[1]), MAP(ARRAY['b'], ARRAY[2])) t(m)
=> {a=1, b=2}

SELECT listagg(name, ', ') WITHIN GROUP (ORDER BY name) FROM people
=> Ada, Bo, Cy

SELECT approx_distinct(city), approx_percentile(id, 0.5), approx_percentile(id, ARRAY[0.0, 1.0]) FROM people
=> 2 | 2 | [1, 4]

SELECT round(stddev(x), 6), round(stddev_pop(x), 6), variance(x), var_pop(x) FROM (VALUES 1, 2, 3, 4) t(x)
=> 1.290994 | 1.118034 | 1.6666666666666667 | 1.25

SELECT corr(x, y), covar_pop(x, y), covar_samp(x, y), regr_slope(y, x), regr_intercept(y, x) FROM (VALUES (1, 2), (2, 4), (3, 6)) t(x, y)
=> 1.0 | 1.3333333333333333 | 2.0 | 2.0 | 0.0

SELECT geometric_mean(x), bitwise_and_agg(x), bitwise_or_agg(x) FROM (VALUES 2, 8) t(x)
=> 4.0 | 0 | 10

SELECT skewness(x) IS NULL, round(skewness(y), 6), round(kurtosis(y), 6) FROM (VALUES (1, 1), (NULL, 2), (NULL, 3), (NULL, 10)) t(x, y)
=> true | 1.018234 | 3.228

SELECT any_value(city), arbitrary(city) FROM people WHERE city = 'Bern'
=> Bern | Bern

SELECT city, grouping(city), count(*) FROM people GROUP BY GROUPING SETS ((city), ()) ORDER BY 2, 1
=> Bern | 0 | 2
=> Lyon | 0 | 2
=> NULL | 1 | 4

SELECT city, a, count(*) FROM (SELECT city, age > 30 AS a FROM people WHERE age IS NOT NULL) GROUP BY CUBE (city, a) ORDER BY 1, 2
=> Bern | false | 1
=> Bern | true | 1
=> Bern | NULL | 2
=> Lyon | true | 1
=> Lyon | NULL | 1
=> NULL | false | 1
=> NULL | true | 2
=> NULL | NULL | 3

SELECT city, count(*) FROM people GROUP BY ROLLUP (city) ORDER BY 1
=> Bern | 2
=> Lyon | 2
=> NULL | 4

SELECT sum(x) FROM (VALUES 9223372036854775807, 1) t(x)
=! NUMERIC_VALUE_OUT_OF_RANGE: bigint addition overflow

SELECT checksum(id) FROM people
=! NOT_SUPPORTED: line 1:8: Function 'checksum' is not supported

SELECT sum(DISTINCT x), count(DISTINCT x), avg(x) FROM (VALUES 1, 1, 2) t(x)
=> 3 | 2 | 1.3333333333333333

SELECT sum(CAST(x AS real)), avg(CAST(x AS real)) FROM (VALUES 1, 2) t(x)
=: real, real
=> 3.0 | 1.5

SELECT TRY(sum(id) / (count(*) - 4)), sum(id) FROM people
=> NULL | 10

SELECT city, TRY(length(city) / (sum(id) - 3)) FROM people GROUP BY city ORDER BY city
=> Bern | NULL
=> Lyon | 1

SELECT typeof(sum(id)) FROM people
=> bigint

-- Names of grouped columns inside of lambdas and sub-queries.
SELECT city, transform(array_agg(id ORDER BY id), i -> city || CAST(i AS varchar)) FROM people GROUP BY city ORDER BY city
=> Bern | [Bern1, Bern2]
=> Lyon | [Lyon3, Lyon4]

SELECT city, (SELECT count(*) FROM people q WHERE q.city = p.city) FROM people p GROUP BY city ORDER BY city
=> Bern | 2
=> Lyon | 2

SELECT (SELECT sum(id) FROM people), count(*), (SELECT max(id) FROM people) FROM people
=> 10 | 4 | 4

SELECT city, TRY_CAST(city AS integer), count(*) FROM people GROUP BY city ORDER BY city
=> Bern | NULL | 2
=> Lyon | NULL | 2

SELECT sum(id) + sum(id), sum(id) * count(*) FROM people HAVING sum(id) > 5
=> 20 | 40

SELECT 1 FROM people GROUP BY city
=> 1
=> 1

SELECT count(*) FROM people HAVING count(*) > 100
=0

SELECT sum((SELECT max(q.id) FROM people q WHERE q.city = p.city)) FROM people p
=> 12

SELECT city, rank() OVER (ORDER BY sum(id) DESC) FROM people GROUP BY city ORDER BY city
=> Bern | 2
=> Lyon | 1

SELECT city, transform(array_agg(id), i -> i + age) FROM people GROUP BY city
=! EXPRESSION_NOT_AGGREGATE: line 1:48: 'age' must be an aggregate expression or appear in GROUP BY clause
