SELECT nvl(NULL, 1), nvl(NULL, NULL, 'x'), coalesce(NULL, 2.5, 1), nvl2(NULL, 'a', 'b'), nvl2(1, 'a', 'b'), isnull(NULL, 3), nullif(1, 1), nullif('a', 'b')
=> 1 | x | 2.5 | b | a | 3 | NULL | a

SELECT decode(2, 1, 'a', 2, 'b', 'c'), decode(9, 1, 'a', 'z'), decode(NULL, NULL, 'null', 'x'), decode(3, 1, 'a')
=> b | z | null | NULL

SELECT CASE WHEN age > 30 THEN 'old' WHEN age IS NULL THEN NULL ELSE 'young' END, CASE city WHEN 'Bern' THEN 1 ELSE 2.5 END FROM people ORDER BY id
=> old | 1.0
=> young | 1.0
=> NULL | 2.5
=> old | 2.5

SELECT CASE WHEN true THEN 1 ELSE 'x' END
=! 22P02 at 28: invalid input syntax for integer: "x"

SELECT CASE WHEN true THEN 1 ELSE DATE '2020-01-01' END
=! 42804 at 40: CASE types integer and date cannot be matched

SELECT coalesce(1, DATE '2020-01-01')
=! 42804 at 25: COALESCE types integer and date cannot be matched

SELECT nullif(1)
=! 42601 at 8: NULLIF takes two arguments

SELECT greatest(age, 30) FROM people ORDER BY id
=> 36
=> 30
=> 30
=> 61
