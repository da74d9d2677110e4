SELECT abs(-5), abs(-1.5), sign(-3), sign(2.5), ceil(1.2), floor(-1.2), ceiling(3), round(2.5), round(-2.5)
=: integer, double, integer, double, double, double, integer, double, double
=> 5 | 1.5 | -1 | 1.0 | 2.0 | -2.0 | 3 | 3.0 | -3.0

SELECT round(2.345, 2), round(1234.5, -2), round(7), truncate(2.7), truncate(-2.7), truncate(12.345, 1)
=> 2.35 | 1200.0 | 7 | 2.0 | -2.0 | 12.3

SELECT sqrt(16), sqrt(-1), cbrt(27), power(2, 10), pow(2, 0.5), exp(0), ln(1), ln(0), ln(-1), log10(100), log2(8), log(2, 8)
=> 4.0 | NaN | 3.0 | 1024.0 | 1.4142135623730951 | 1.0 | 0.0 | -Infinity | NaN | 2.0 | 3.0 | 3.0

SELECT mod(7, 3), mod(-7, 3), 7 % 3, mod(5.5, 2)
=> 1 | -1 | 1 | 1.5

SELECT pi(), e(), degrees(pi()), radians(180)
=> 3.141592653589793 | 2.718281828459045 | 180.0 | 3.141592653589793

SELECT sin(0), cos(0), tan(0), asin(1), acos(1), atan(0), atan2(0, 1), acos(2)
=> 0.0 | 1.0 | 0.0 | 1.5707963267948966 | 0.0 | 0.0 | 0.0 | NaN

SELECT is_nan(nan()), is_finite(1), is_infinite(infinity()), nan(), infinity()
=> true | true | true | NaN | Infinity

SELECT to_base(255, 16), from_base('ff', 16), from_base('-101', 2), to_base(-5, 2)
=> ff | 255 | -5 | -101

SELECT from_base('zz', 16)
=! INVALID_FUNCTION_ARGUMENT: Not a valid base-16 number: zz

SELECT bitwise_and(12, 10), bitwise_or(12, 10), bitwise_xor(12, 10), bitwise_not(5), bitwise_left_shift(1, 3), bit_count(7, 64)
=> 8 | 14 | 6 | -6 | 8 | 3

SELECT width_bucket(5.3, 0, 10, 5), width_bucket(-1, 0, 10, 5), width_bucket(10, 0, 10, 5)
=> 3 | 0 | 6

SELECT 1e10, 1e7, 9999999e0, 0.001, 0.0001, 123456789.125, -1.5e-7, 100e0
=> 1.0E10 | 1.0E7 | 9999999.0 | 0.001 | 1.0E-4 | 1.23456789125E8 | -1.5E-7 | 100.0

SELECT random() BETWEEN 0 AND 1, random(10) BETWEEN 0 AND 9
=> true | true

SELECT abs('a')
=! FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (varchar(1)) for function abs.

SELECT sqrt(NULL), abs(NULL), round(NULL)
=> NULL | NULL | NULL

SELECT greatest(1, 2.5), least(DATE '2020-01-01', DATE '2019-01-01')
=> 2.5 | 2019-01-01
