SELECT 7 / 2, -7 / 2, 7 / -2, -7 % 3, 7 % -3
=: integer, integer, integer, integer, integer
=> 3 | -3 | -3 | -1 | 1

SELECT 1 / 0
=! DIVISION_BY_ZERO: Division by zero

SELECT 1 % 0
=! DIVISION_BY_ZERO: Division by zero

SELECT id / (id - 2) FROM people
=! DIVISION_BY_ZERO: Division by zero

SELECT id, TRY(6 / (id - 2)) FROM people ORDER BY id
=> 1 | -6
=> 2 | NULL
=> 3 | 6
=> 4 | 3

-- Only rows that come there can fail.
SELECT CASE WHEN id = 2 THEN 0 ELSE 6 / (id - 2) END FROM people ORDER BY id
=> -6
=> 0
=> 6
=> 3

SELECT 1 / 2e0, 1e0 / 0, -1e0 / 0, 0e0 / 0
=: double, double, double, double
=> 0.5 | Infinity | -Infinity | NaN

SELECT 7 / 2.0
=: double
=> 3.5

SELECT 2147483647 + 1
=! NUMERIC_VALUE_OUT_OF_RANGE: integer addition overflow: 2147483647 + 1

SELECT 9223372036854775807 + 1
=! NUMERIC_VALUE_OUT_OF_RANGE: bigint addition overflow: 9223372036854775807 + 1

SELECT 65536 * 65536
=! NUMERIC_VALUE_OUT_OF_RANGE: integer multiplication overflow: 65536 * 65536

SELECT CAST(127 AS tinyint) + CAST(1 AS tinyint)
=! NUMERIC_VALUE_OUT_OF_RANGE: tinyint addition overflow: 127 + 1

SELECT CAST(127 AS tinyint) + 1
=: integer
=> 128

SELECT TRY(2147483647 + 1)
=> NULL

SELECT 2147483648, 2147483647
=: bigint, integer
=> 2147483648 | 2147483647

SELECT 9223372036854775808
=! INVALID_LITERAL: line 1:8: Invalid numeric literal: 9223372036854775808

SELECT -9223372036854775808
=: bigint
=> -9223372036854775808

SELECT 'a' || 'b' || 'c', 'a' || NULL
=> abc | NULL

SELECT 1 || 'a'
=! FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (integer, varchar(1)) for function concat.

SELECT 1 = 1, 1 <> 1, 1 != 2, 1 < 2, 2 <= 2, 3 > 4, 4 >= 4
=> true | false | true | true | true | false | true

SELECT 1 = 'a'
=! TYPE_MISMATCH: line 1:8: Cannot apply operator: integer = varchar(1)

SELECT 1 + 'a'
=! TYPE_MISMATCH: line 1:8: Cannot apply operator: integer + varchar(1)

SELECT NULL = NULL, NULL IS NULL, 1 IS NOT NULL, NULL AND false, NULL OR true
=> NULL | true | true | false | true

SELECT 1 IS DISTINCT FROM NULL, NULL IS NOT DISTINCT FROM NULL, 1 IS DISTINCT FROM 1
=> true | true | false

SELECT nan() = nan(), nan() <> nan(), nan() > 1, nan() < 1
=> false | true | false | false

SELECT 2 BETWEEN 1 AND 3, 2 NOT BETWEEN 1 AND 3, NULL BETWEEN 1 AND 3
=> true | false | NULL

SELECT 1 IN (1, 2), 3 IN (1, 2), 3 IN (1, NULL), 3 NOT IN (1, 2)
=> true | false | NULL | true

SELECT 'abc' LIKE 'a%', 'abc' LIKE '_b_', 'abc' NOT LIKE 'b%', 'a%c' LIKE 'a$%c' ESCAPE '$', 'abc' LIKE 'a$%c' ESCAPE '$'
=> true | true | true | true | false

SELECT 'a\b' LIKE 'a\b'
=> true

SELECT 'abc' LIKE 'a$bc' ESCAPE '$'
=! INVALID_FUNCTION_ARGUMENT: line 1:8: Escape character must be followed by '%', '_' or the escape character itself

SELECT 1 LIKE 'a'
=! TYPE_MISMATCH: line 1:8: Left side of LIKE expression must evaluate to a varchar

SELECT NOT true, NOT NULL
=> false | NULL

SELECT NOT 1
=! TYPE_MISMATCH: line 1:12: Value of logical NOT expression must evaluate to a boolean: actual type integer

SELECT 1 AND true
=! TYPE_MISMATCH: line 1:8: Logical expression term must evaluate to a boolean: actual type integer

SELECT CASE 2 WHEN 1 THEN 'one' WHEN 2 THEN 'two' END, CASE WHEN false THEN 1 END, CASE WHEN true THEN 1 ELSE 2e0 END
=> two | NULL | 1.0

SELECT CASE WHEN true THEN 1 ELSE 'a' END
=! TYPE_MISMATCH: line 1:35: All CASE results must be the same type or coercible to a common type.

SELECT if(true, 1, 2), if(false, 1), if(NULL, 1, 2), coalesce(NULL, 1, 2), nullif(1, 1), nullif(1, 2)
=> 1 | NULL | 2 | 1 | NULL | 1

SELECT coalesce(1, 'a')
=! TYPE_MISMATCH: line 1:20: All COALESCE operands must be the same type

SELECT greatest(1, 3, 2), least(1, 3, 2), greatest(1, NULL), greatest('a', 'b')
=> 3 | 1 | NULL | b

SELECT 2 > ALL (SELECT 1), 2 = ANY (VALUES 1, 2), 2 < ALL (VALUES 1, 3), 1 <> ALL (VALUES 2, 3)
=> true | true | false | true

SELECT typeof(1), typeof(2147483648), typeof(1.5), typeof(1e0), typeof('abc'), typeof(DECIMAL '1.50'), typeof(NULL), typeof(true)
=> integer | bigint | double | double | varchar(3) | decimal(3,2) | unknown | boolean

SELECT typeof(1 + 2147483648), typeof(1 + 1.5), typeof(CAST(1 AS smallint) + CAST(1 AS tinyint)), typeof(CAST(1 AS real) + 1)
=> bigint | double | smallint | real

SELECT X'41', U&'\0041', 'it''s'
=> 41 | A | it's

SELECT "a" FROM (VALUES 1) t(a)
=> 1

SELECT 'a' 'b'
=! SYNTAX_ERROR

SELECT x = x, x <> x, x < 1, 1 < x, x <= x, x >= 1, 1 >= x, x = 1, x <> 1 FROM (VALUES nan()) AS t (x)
=> false | true | false | false | false | false | false | false | true

SELECT nan() < 2.0 * (SELECT CAST(1 AS decimal(3,1))), 1e0 < (SELECT 2.0 * CAST(5 AS decimal(2,0))), 1e0 < (SELECT nan() * 2), 1e0 < (SELECT infinity() - 2.0), 1e0 < 1e308 * CAST(99 AS decimal(2,0)) - infinity()
=> false | true | false | true | false

SELECT DECIMAL '0.07' >= 0.06 + 0.01, DECIMAL '0.07' = 0.07, DECIMAL '0.30' = 0.1 + 0.2, DECIMAL '0.3' < 0.1 + 0.2, DECIMAL '2' BETWEEN 1.5 AND 2.5, DECIMAL '2.5' IN (2.5, 3.5), 1.05 > DECIMAL '1.0', CAST(NULL AS decimal(3,1)) <> 0.25, DECIMAL '1.5' <> 1.55
=> true | true | false | true | true | true | true | NULL | true
