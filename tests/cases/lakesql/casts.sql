SELECT CAST('abc' AS integer)
=! INVALID_CAST_ARGUMENT: Cannot cast 'abc' to INT

SELECT CAST('abc' AS bigint)
=! INVALID_CAST_ARGUMENT: Cannot cast 'abc' to BIGINT

SELECT CAST('1.5' AS integer)
=! INVALID_CAST_ARGUMENT: Cannot cast '1.5' to INT

SELECT CAST('abc' AS double)
=! INVALID_CAST_ARGUMENT: Cannot cast 'abc' to DOUBLE

SELECT CAST('x' AS boolean)
=! INVALID_CAST_ARGUMENT: Cannot cast 'x' to BOOLEAN

SELECT TRY_CAST('abc' AS integer), TRY_CAST('12' AS integer), TRY(CAST('abc' AS integer)), TRY_CAST('99999999999' AS integer)
=: integer, integer, integer, integer
=> NULL | 12 | NULL | NULL

SELECT CAST('99999999999' AS integer)
=! INVALID_CAST_ARGUMENT: Cannot cast '99999999999' to INT

SELECT CAST(99999999999 AS integer)
=! NUMERIC_VALUE_OUT_OF_RANGE: Out of range for integer: 99999999999

SELECT CAST(300 AS tinyint)
=! NUMERIC_VALUE_OUT_OF_RANGE: Out of range for tinyint: 300

-- Rounded half away from zero.
SELECT CAST(2.5 AS integer), CAST(-2.5 AS integer), CAST(1.4 AS bigint), CAST(3.5 AS smallint)
=: integer, integer, bigint, smallint
=> 3 | -3 | 1 | 4

SELECT CAST(1e20 AS bigint)
=! INVALID_CAST_ARGUMENT: Cannot cast 1.0E20 to bigint

SELECT CAST(nan() AS integer)
=! INVALID_CAST_ARGUMENT: Cannot cast NaN to integer

SELECT CAST(true AS integer), CAST(0 AS boolean), CAST(2 AS boolean), CAST('t' AS boolean), CAST('FALSE' AS boolean), CAST('1' AS boolean)
=> 1 | false | true | true | false | true

SELECT CAST(1.5 AS varchar), CAST(1e10 AS varchar), CAST(100e0 AS varchar), CAST(0e0 AS varchar), CAST(1e0 / 0 AS varchar)
=> 1.5E0 | 1.0E10 | 1.0E2 | 0.0E0 | Infinity

SELECT CAST(12 AS varchar), CAST(true AS varchar), CAST(DATE '2020-01-31' AS varchar)
=> 12 | true | 2020-01-31

SELECT CAST(TIMESTAMP '2020-01-31 10:20:30' AS varchar), CAST(TIMESTAMP '2020-01-31 10:20:30.120' AS varchar)
=> 2020-01-31 10:20:30 | 2020-01-31 10:20:30.120

SELECT CAST(TIMESTAMP '2020-01-31 10:20:30 America/New_York' AS varchar)
=> 2020-01-31 10:20:30 America/New_York

SELECT CAST('abcdef' AS varchar(3)), CAST('ab' AS char(4)) || '|', length(CAST('ab' AS char(4)))
=> abc | ab  | | 4

SELECT CAST(12345 AS varchar(3))
=! INVALID_CAST_ARGUMENT: Value 12345 cannot be represented as varchar(3)

SELECT CAST('2020-01-31' AS date), CAST('2020-1-3' AS date), CAST(' 2020-01-31 ' AS date)
=: date, date, date
=> 2020-01-31 | 2020-01-03 | 2020-01-31

SELECT CAST('2020-02-30' AS date)
=! INVALID_CAST_ARGUMENT: Value cannot be cast to date: 2020-02-30

SELECT CAST('yesterday' AS date)
=! INVALID_CAST_ARGUMENT: Value cannot be cast to date: yesterday

SELECT CAST('2020-01-31 10:20:30.5' AS timestamp), CAST('2020-01-31' AS timestamp), CAST('2020-01-31 10:20' AS timestamp)
=> 2020-01-31 10:20:30.500 | 2020-01-31 00:00:00.000 | 2020-01-31 10:20:00.000

SELECT CAST('x' AS timestamp)
=! INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp: x

SELECT CAST(DATE '2020-01-31' AS timestamp), CAST(TIMESTAMP '2020-01-31 10:20:30' AS date), CAST(TIMESTAMP '2020-01-31 10:20:30' AS time)
=> 2020-01-31 00:00:00.000 | 2020-01-31 | 10:20:30.000

SELECT CAST(1 AS date)
=! TYPE_MISMATCH: line 1:8: Cannot cast integer to date

SELECT CAST('a' AS string)
=! TYPE_NOT_FOUND: Unknown type: string

SELECT CAST(1 AS float)
=! TYPE_NOT_FOUND: Unknown type: float

SELECT CAST(ARRAY['1', '2'] AS array(integer)), CAST(MAP(ARRAY['a'], ARRAY['1']) AS map(varchar, bigint))
=: array(integer), map(varchar, bigint)
=> [1, 2] | {a=1}

SELECT CAST(ROW(1, 'x') AS row(a bigint, b varchar)), CAST(ROW(1, 'x') AS row(a bigint, b varchar)).b
=> {a=1, b=x} | x

SELECT CAST(ROW(1, 2) AS row(a bigint))
=! TYPE_MISMATCH: line 1:8: Cannot cast row(integer, integer) to row(a bigint)

SELECT CAST(0.1 AS real), CAST(16777217 AS real), CAST(CAST(0.1 AS real) AS double)
=: real, real, double
=> 0.1 | 1.6777216E7 | 0.10000000149011612

SELECT CAST(NULL AS integer), CAST(NULL AS varchar)
=: integer, varchar
=> NULL | NULL

SELECT CAST(' 12' AS integer)
=! INVALID_CAST_ARGUMENT: Cannot cast ' 12' to INT

SELECT CAST('Infinity' AS double), CAST('NaN' AS double), CAST('1e3' AS double), CAST('.5' AS double)
=> Infinity | NaN | 1000.0 | 0.5

SELECT CAST(INTERVAL '1' DAY AS varchar), CAST(INTERVAL '14' MONTH AS varchar)
=> 1 00:00:00.000 | 1-2

SELECT CAST(to_utf8('a') AS varchar)
=! TYPE_MISMATCH

SELECT 1, CAST(ARRAY[1] AS varchar)
=! TYPE_MISMATCH: line 1:11: Cannot cast array(integer) to varchar

SELECT CAST(CAST(1 AS date) AS varchar)
=! TYPE_MISMATCH: line 1:13: Cannot cast integer to date

SELECT CAST('[1]' AS array(integer))
=! TYPE_MISMATCH: line 1:8: Cannot cast varchar(3) to array(integer)
