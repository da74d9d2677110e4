SELECT 7 / 2, -7 / 2, 7 % 3, -7 % 3, 7.0 / 2, 7::float / 2, mod(7, 3)
=> 3 | -3 | 1 | -1 | 3.500000000000 | 3.5 | 1

SELECT 1 / 0
=! 22012: division by zero

SELECT 1.5 / 0
=! 22012: division by zero

SELECT 1::float / 0
=! 22012: division by zero

SELECT 2147483647 + 1
=! 22003: integer out of range

SELECT 9223372036854775807 + 1
=! 22003: bigint out of range

SELECT 100000::smallint
=! 22003: smallint out of range

-- Precision and scale are Redshift's.
SELECT 1.0 / 3, 1 / 3.0, 12.50 * 2, 1.25 + 0.5, 10.00 - 0.005
=> 0.333333333333 | 0.3333 | 25.00 | 1.75 | 9.995

SELECT amount / 3, amount * 2, amount + 1, amount % 2 FROM orders WHERE id = 10
=> 6.6333333333333 | 39.80 | 20.90 | 1.90

SELECT sum(amount), avg(amount), sum(person), avg(person), sum(height), avg(age) FROM orders, people WHERE person = people.id
=> 32.15 | 10.72 | 4 | 1 | 5.2 | 32

SELECT round(2.567, 2), round(2.5), round(-2.5), round(1234, -2), round(2.5::float), round(1.005::float, 2)
=> 2.570 | 3 | -3 | 1200 | 3 | 1

SELECT ceil(2.1), ceiling(-2.1), floor(-2.1), trunc(2.567, 1), trunc(-2.5), trunc(1234.5, -2), abs(-1.5), sign(-2.5), abs(-3)
=> 3 | -2 | -3 | 2.500 | -2 | 1200.0 | 1.5 | -1.0 | 3

SELECT sqrt(16), cbrt(27), power(2, 10), exp(0), ln(1), log(1000), 2 ^ 3, |/ 25.0
=> 4 | 3 | 1024 | 1 | 0 | 3 | 8 | 5

SELECT sqrt(-1)
=! 2201F: cannot take square root of a negative number

SELECT ln(0)
=! 2201E: cannot take logarithm of zero

SELECT degrees(pi()), radians(180), sin(0), cos(0), atan2(1, 1), round(cot(1), 4)
=> 180 | 3.141592653589793 | 0 | 1 | 0.7853981633974483 | 0.6421

SELECT 5 & 3, 5 | 3, ~5, 1 << 4, 16 >> 2
=> 1 | 7 | -6 | 16 | 4

SELECT 1e3, 1.5e-3, 12345678901, 123456789012345678901, .5, 5.
=> 1000 | 0.0015 | 12345678901 | 123456789012345678901 | 0.5 | 5

SELECT greatest(1, NULL, 3), least(2, NULL, 1), greatest('a', 'b'), least(NULL, NULL)
=> 3 | 1 | b | NULL

SELECT '3' + 4, 10 - '3', '2' * 2.5
=> 7 | 7 | 5.00

SELECT 'a' + 1
=! 22P02 at 8: invalid input syntax for integer: "a"

SELECT DATE '2020-01-01' + true
=! 42883 at 13: operator does not exist: date + boolean

SELECT width_bucket(5, 0, 10, 5), 10::bigint / 3::smallint
=> 3 | 3

SELECT sum(x) FROM (SELECT 9223372036854775807 AS x UNION ALL SELECT 1)
=! 22003: bigint out of range

SELECT 99999999999999999999999999999999999999 * 10
=! 22003: Numeric data overflow (result precision)
