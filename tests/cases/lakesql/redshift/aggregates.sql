SELECT count(*), count(age), count(DISTINCT city), sum(age), avg(age), min(age), max(name), avg(height) FROM people
=> 4 | 3 | 2 | 122 | 40 | 25 | Cy | 1.7

SELECT approximate count(DISTINCT city), any_value(1), bool_or(age > 60), bool_and(age > 60), bit_or(id), bit_and(id) FROM people
=> 2 | 1 | t | f | 7 | 0

SELECT median(age), percentile_cont(0.25) WITHIN GROUP (ORDER BY id), percentile_disc(0.5) WITHIN GROUP (ORDER BY id DESC), median(height) FROM people
=> 36.0 | 1.7 | 2 | 1.7

SELECT round(stddev(id), 4), round(stddev_pop(id), 4), round(variance(id), 4), var_pop(id), stddev_samp(age) FROM people
=> 1.291 | 1.118 | 1.6667 | 1.25 | 18.448125469362285

SELECT listagg(name, ', ') WITHIN GROUP (ORDER BY name DESC), listagg(DISTINCT city, '|') WITHIN GROUP (ORDER BY city), listagg(id) WITHIN GROUP (ORDER BY id) FROM people
=> Cy, Bo, Ada | Bern|Lyon | 1234

SELECT city, listagg(name) WITHIN GROUP (ORDER BY id) FROM people GROUP BY city ORDER BY city
=> Bern   | AdaBo
=> Lyon   | Cy

SELECT count(*), sum(age), max(age), listagg(name) FROM people WHERE false
=> 0 | NULL | NULL | NULL

SELECT sum(name) FROM people
=! 42883 at 8: function sum(character varying) does not exist

SELECT sum(DISTINCT age % 2), count(1) FROM people
=> 1 | 4

SELECT max(day), min(placed), avg(amount)::decimal(10,4) FROM orders
=> 2020-02-02 | 2020-01-31 10:20:30.123000 | 10.7200

SELECT percentile_cont(2) WITHIN GROUP (ORDER BY id) FROM people
=! 22023 at 8: percentile value must be a number between 0 and 1

SELECT city, percentile_cont(0.5) WITHIN GROUP (ORDER BY id) OVER (PARTITION BY city), median(id) OVER (PARTITION BY city) FROM people ORDER BY id
=> Bern   | 1.5 | 1.5
=> Bern   | 1.5 | 1.5
=> Lyon   | 3.5 | 3.5
=> Lyon   | 3.5 | 3.5

SELECT sum(n) FROM (SELECT doc.n FROM events) t
=> 1.5

SELECT round(corr(id, age), 4), round(covar_pop(id, age), 4) FROM people
=> 0.8044 | 15.1111

SELECT string_agg(name, ',') FROM people
=! 0A000 at 8: Function 'string_agg' is not supported: Redshift has listagg

SELECT count(DISTINCT 'a '::varchar || x) FROM (SELECT 'b' AS x UNION ALL SELECT 'b ') t
=> 1
