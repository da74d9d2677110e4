-- Blanks at the end do not count in comparisons.
SELECT 'a ' = 'a', 'a'::char(3) = 'a', 'a ' < 'b', 'a ' LIKE 'a', city = 'Bern ' FROM people WHERE id = 1
=> t | t | t | f | t

SELECT 'abc' LIKE 'a%', 'abc' LIKE '_b_', 'ABC' ILIKE 'a%', 'abc' NOT LIKE 'b%', 'a_c' LIKE 'a\\_c', 'abc' LIKE 'a\\_c', 'a%c' LIKE 'a#%c' ESCAPE '#'
=> t | t | t | t | t | f | t

SELECT 'abc' SIMILAR TO '%(b|d)%', 'abc' SIMILAR TO '(b|c)%', 'abc' NOT SIMILAR TO 'a', 'a.c' SIMILAR TO 'a.c', 'abc' SIMILAR TO 'a.c', 'aab' SIMILAR TO 'a+b'
=> t | f | t | t | f | t

SELECT 'abc' ~ '^a', 'abc' ~ 'B', 'abc' ~* 'B', 'abc' !~ 'x', 'abc' !~* 'B', 'a1' ~ '[[:digit:]]'
=> t | f | t | t | f | t

SELECT 1 = '1', '2020-01-01' < DATE '2020-01-02', 5 BETWEEN 1 AND '10', 1.5 = 1.50, 1 = 1.0::float, 'abc' = 5::varchar
=> t | t | t | t | t | f

SELECT 1 = true
=! 42883 at 8: operator does not exist: integer = boolean

SELECT 1 = 'x'
=! 22P02 at 8: invalid input syntax for integer: "x"

SELECT age IS NULL, age IS NOT NULL, (age > 30) IS TRUE, (age > 30) IS NOT TRUE, (age > 30) IS UNKNOWN FROM people ORDER BY id
=> f | t | t | f | f
=> f | t | f | t | f
=> t | f | f | t | t
=> f | t | t | f | f

SELECT NULL = NULL, NULL IS NULL, NOT NULL, true AND NULL, false AND NULL, true OR NULL, NULL IN (1), 1 IN (1, NULL), 2 NOT IN (1, NULL)
=> NULL | t | NULL | NULL | f | t | NULL | t | NULL

SELECT (1, 2) = (1, 2), (1, 2) <> (1, 3), (1, 'a') IN ((1, 'a'), (2, 'b'))
=> t | t | t

SELECT 1 < 2 AND NOT 2 < 1 OR false, 2 + 3 * 4, (2 + 3) * 4, -2 ^ 2, 10 - 4 - 3, 7 - -1
=> t | 14 | 20 | 4 | 3 | 8

SELECT id FROM people WHERE name = 'Ada' OR name ILIKE 'b%' ORDER BY id
=> 1
=> 2

SELECT 1 <> 2, 1 != 2, 'b' > 'a', 'B' < 'a'
=> t | t | t | t
