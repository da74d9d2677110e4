SELECT DECIMAL '1.50' + DECIMAL '2.255', DECIMAL '1.5' - DECIMAL '2', DECIMAL '1.5' * DECIMAL '1.5'
=: decimal(5,3), decimal(3,1), decimal(4,2)
=> 3.755 | -0.5 | 2.25

-- The scale of a quotient is the larger of the scales, and it is rounded.
SELECT DECIMAL '10' / DECIMAL '3', DECIMAL '1.00' / DECIMAL '3', DECIMAL '2.00' / DECIMAL '3', DECIMAL '-2.00' / DECIMAL '3'
=> 3 | 0.33 | 0.67 | -0.67

SELECT DECIMAL '1' / DECIMAL '0'
=! DIVISION_BY_ZERO: Division by zero

SELECT DECIMAL '7.5' % DECIMAL '2', DECIMAL '-7.5' % DECIMAL '2'
=> 1.5 | -1.5

SELECT CAST(1.25 AS decimal(10,2)), CAST(2.5 AS decimal(1,0)), CAST('1.255' AS decimal(10,2)), CAST(7 AS decimal(5,2))
=: decimal(10,2), decimal(1,0), decimal(10,2), decimal(5,2)
=> 1.25 | 3 | 1.26 | 7.00

SELECT CAST(1000 AS decimal(3,0))
=! INVALID_CAST_ARGUMENT: Cannot cast INTEGER '1000' to DECIMAL(3, 0)

SELECT CAST('abc' AS decimal(3,1))
=! INVALID_CAST_ARGUMENT: Cannot cast VARCHAR 'abc' to DECIMAL(3, 1)

SELECT TRY_CAST('abc' AS decimal(3,1)), TRY_CAST(1000 AS decimal(3,0))
=> NULL | NULL

SELECT DECIMAL '1.5' = DECIMAL '1.50', DECIMAL '1.5' < 2, DECIMAL '1.5' + 1, DECIMAL '1.5' + 1e0
=> true | true | 2.5 | 2.5

SELECT typeof(DECIMAL '1.5' + 1), typeof(DECIMAL '1.5' + 1e0), typeof(CAST(1 AS bigint) + DECIMAL '0.5')
=> decimal(12,1) | double | decimal(21,1)

SELECT CAST(DECIMAL '1.50' AS varchar), CAST(DECIMAL '-0.05' AS varchar), CAST(DECIMAL '100' AS varchar)
=> 1.50 | -0.05 | 100

SELECT CAST(DECIMAL '2.5' AS integer), CAST(DECIMAL '-2.5' AS integer), CAST(DECIMAL '2.4' AS bigint), CAST(DECIMAL '1.5' AS double)
=> 3 | -3 | 2 | 1.5

SELECT round(DECIMAL '2.45', 1), round(DECIMAL '2.5'), round(DECIMAL '-2.5'), ceil(DECIMAL '2.1'), floor(DECIMAL '-2.1'), abs(DECIMAL '-1.5')
=> 2.50 | 3 | -3 | 3 | -3 | 1.5

SELECT sum(amount), avg(amount), max(amount), count(amount) FROM orders
=: decimal(38,2), decimal(10,2), decimal(10,2), bigint
=> 32.15 | 10.72 | 19.90 | 3

SELECT amount * 2, amount / 3, amount + 1 FROM orders WHERE id = 10
=> 39.80 | 6.63 | 20.90

SELECT DECIMAL '0.1' + DECIMAL '0.2' = DECIMAL '0.3', 0.1 + 0.2 = 0.3
=> true | false

SELECT CAST(12345.678 AS decimal(38,10))
=> 12345.6780000000

SELECT DECIMAL '99999999999999999999' * DECIMAL '99999999999999999999'
=! NUMERIC_VALUE_OUT_OF_RANGE

SELECT sign(DECIMAL '-2.5'), mod(DECIMAL '5.5', 2)
=> -1 | 1.5

-- More digits than 64 bits hold.
SELECT DECIMAL '999999999999999.99' * DECIMAL '9999999999999.99'
=: decimal(32,4)
=> 9999999999999989900000000000.0001

SELECT sum(a * b), max(a * b * 1000), avg(a * b) FROM (VALUES (DECIMAL '999999999999999.9', DECIMAL '99999999.9')) AS t (a, b)
=> 99999999899999990000000.01 | 99999999899999990000000010.00 | 99999999899999990000000.01

SELECT try(DECIMAL '999999999999999.9' * DECIMAL '99999999.9')
=> 99999999899999990000000.01

SELECT CAST('999999999999999999' AS decimal(18,0)) + CAST('9' AS decimal(1,0)), CAST('99999999999999999.99' AS decimal(19,2)) + CAST('0.01' AS decimal(3,2)), CAST('9999999999999999' AS decimal(16,0)) - CAST('-0.5' AS decimal(2,1)), CAST('-999999999999999999' AS decimal(18,0)) - CAST('0.9' AS decimal(1,1))
=: decimal(19,0), decimal(20,2), decimal(18,1), decimal(20,1)
=> 1000000000000000008 | 100000000000000000.00 | 9999999999999999.5 | -999999999999999999.9
