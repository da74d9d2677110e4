SELECT id, row_number() OVER (ORDER BY id DESC), rank() OVER (ORDER BY city), dense_rank() OVER (ORDER BY city), ntile(2) OVER (ORDER BY id) FROM people ORDER BY id
=> 1 | 4 | 1 | 1 | 1
=> 2 | 3 | 1 | 1 | 1
=> 3 | 2 | 3 | 2 | 2
=> 4 | 1 | 3 | 2 | 2

SELECT id, lag(id) OVER (ORDER BY id), lead(id, 2, 0) OVER (ORDER BY id), first_value(age) OVER (PARTITION BY city ORDER BY id ROWS UNBOUNDED PRECEDING), last_value(name IGNORE NULLS) OVER (PARTITION BY city ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM people ORDER BY id
=> 1 | NULL | 3 | 36 | Bo
=> 2 | 1 | 4 | 36 | Bo
=> 3 | 2 | 0 | NULL | Cy
=> 4 | 3 | 0 | NULL | Cy

SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), count(*) OVER (PARTITION BY city), avg(id) OVER () FROM people ORDER BY id
=> 1 | 1 | 2 | 2
=> 2 | 3 | 2 | 2
=> 3 | 5 | 2 | 2
=> 4 | 7 | 2 | 2

SELECT id, ratio_to_report(id) OVER (PARTITION BY city), percent_rank() OVER (ORDER BY id), cume_dist() OVER (ORDER BY id), nth_value(id, 2) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM people ORDER BY id
=> 1 | 0.3333333333333333 | 0 | 0.25 | 2
=> 2 | 0.6666666666666666 | 0.3333333333333333 | 0.5 | 2
=> 3 | 0.42857142857142855 | 0.6666666666666666 | 0.75 | 2
=> 4 | 0.5714285714285714 | 1 | 1 | 2

SELECT city, listagg(name, ',') WITHIN GROUP (ORDER BY name) OVER (PARTITION BY city) FROM people ORDER BY id
=> Bern   | Ada,Bo
=> Bern   | Ada,Bo
=> Lyon   | Cy
=> Lyon   | Cy

SELECT city, sum(sum(age)) OVER (ORDER BY city), rank() OVER (ORDER BY sum(age) DESC) FROM people GROUP BY city ORDER BY city
=> Bern   | 61 | 1
=> Lyon   | 122 | 1

SELECT rank() OVER () FROM people
=! 42P20 at 8: window function rank requires a window specification with an ordering clause

SELECT lag(id) FROM people
=! 42P20 at 8: window function lag requires an OVER clause

SELECT id FROM people WHERE row_number() OVER (ORDER BY id) = 1
=! 42P20 at 29: window functions not allowed in this clause

SELECT upper(name) OVER () FROM people
=! 42809 at 8: OVER specified, but upper is not a window function nor an aggregate function
