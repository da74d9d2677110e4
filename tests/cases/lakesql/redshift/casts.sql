SELECT '12'::int, ' 12 '::bigint, '-5'::smallint, '1.50'::decimal(5,2), '1e3'::float, 't'::boolean, 'no'::boolean, '2020-01-31'::date
=> 12 | 12 | -5 | 1.50 | 1000 | t | f | 2020-01-31

SELECT '12x'::int
=! 22P02 at 8: invalid input syntax for integer: "12x"

SELECT '1.5'::int
=! 22P02 at 8: invalid input syntax for integer: "1.5"

SELECT '99999999999'::int
=! 22003 at 8: value "99999999999" is out of range for type integer

SELECT name::int FROM people WHERE id = 1
=! 22P02: invalid input syntax for integer: "Ada"

SELECT 'abc'::decimal(5,2)
=! 22P02: invalid input syntax for type numeric: "abc"

SELECT '1234.5'::decimal(5,2)
=! 22003 at 8: Numeric data overflow (result precision)

SELECT 'maybe'::boolean
=! 22P02: invalid input syntax for type boolean: "maybe"

SELECT '2020-02-30'::date
=! 22008 at 8: date/time field value out of range: "2020-02-30"

SELECT 'soon'::timestamp
=! 22007: invalid input syntax for type timestamp: "soon"

-- CAST rounds, and cuts a text that is too long.
SELECT 2.5::int, -2.5::int, 2.567::decimal(4,2), 'abcdef'::varchar(3), 'héllo'::varchar(2), 'abc'::char(2), 3.7::float::int
=> 3 | -3 | 2.57 | abc | h | ab | 4

SELECT 123.456::decimal(4,2)
=! 22003: Numeric data overflow (result precision)

SELECT 1.5::varchar, 0.1::float::varchar, 1::float::varchar, 1e20::varchar, true::varchar, 12::varchar(1), (DATE '2020-01-31')::varchar, (TIMESTAMP '2020-01-31 10:00:00.5')::varchar
=> 1.5 | 0.1 | 1 | 1e+20 | true | 1 | 2020-01-31 | 2020-01-31 10:00:00.5

SELECT true::int, 0::boolean, 5::boolean, 1.5::float::decimal(3,1), convert(int, '7'), cast('5' AS numeric)
=> 1 | f | t | 1.5 | 7 | 5

SELECT '2020-01-31 10:20:30'::timestamp, '2020-01-31 10:20:30.123456'::timestamp, '20200131'::date, '01/31/2020'::date, 'Jan 31, 2020'::date, '2020-01-31 10:20'::timestamp, '2020-01-31T10:20:30Z'::timestamp
=> 2020-01-31 10:20:30 | 2020-01-31 10:20:30.123456 | 2020-01-31 | 2020-01-31 | 2020-01-31 | 2020-01-31 10:20:00 | 2020-01-31 10:20:30

SELECT '2020-01-31 10:20+02'::timestamptz, '10:20'::time, '2020-01-31 23:59:59'::timestamp::date, '10:20:30'::time, (DATE '2020-01-31')::timestamp
=> 2020-01-31 08:20:00+00:00 | 10:20:00 | 2020-01-31 | 10:20:30 | 2020-01-31 00:00:00

SELECT NULL::int, NULL::varchar, NULL
=> NULL | NULL | NULL

SELECT 1::"foo"
=! 42601 at 16: syntax error at end of input

SELECT 'a'::varchar(70000)
=! 22023 at 8: length for type character varying cannot exceed 65535

SELECT 1::decimal(39,0)
=! 22023 at 8: DECIMAL precision 39 must be between 1 and 38

SELECT 300::varbyte
=> 0000012c

SELECT 'foo'::varbyte, to_hex('foo'::varbyte), from_varbyte(data, 'hex'), len(data) FROM events WHERE id = 1
=> 666f6f | 666f6f | 666f6f | 3

SELECT 'now'::timestamp > '2020-01-01', 'today'::date = current_date, 'epoch'::timestamp, '1.005'::decimal(5,2), '-1e2'::decimal(5,1), '1.5'::real, '2020-01-31'::timestamp
=> t | t | 1970-01-01 00:00:00 | 1.01 | -100.0 | 1.5 | 2020-01-31 00:00:00

SELECT DATE '2020-01-31'::varchar || '!', TIMESTAMP '2020-01-31 10:00'::date, INTERVAL '1 day'::varchar
=> 2020-01-31! | 2020-01-31 | 1 day
