SELECT day_of_week(DATE '2020-01-05'), dow(DATE '2020-01-06'), extract(DOW FROM DATE '2020-01-05'), extract(DAY_OF_WEEK FROM TIMESTAMP '2020-01-06 00:00:00')
=> 7 | 1 | 7 | 1

SELECT year(DATE '2020-02-29'), month(DATE '2020-02-29'), day(DATE '2020-02-29'), quarter(DATE '2020-02-29'), day_of_year(DATE '2020-02-29'), week(DATE '2021-01-01'), year_of_week(DATE '2021-01-01')
=> 2020 | 2 | 29 | 1 | 60 | 53 | 2020

SELECT hour(TIMESTAMP '2020-01-31 10:20:30.456'), minute(TIMESTAMP '2020-01-31 10:20:30.456'), second(TIMESTAMP '2020-01-31 10:20:30.456'), millisecond(TIMESTAMP '2020-01-31 10:20:30.456')
=> 10 | 20 | 30 | 456

SELECT extract(YEAR FROM DATE '2020-01-31'), extract(HOUR FROM TIMESTAMP '2020-01-31 10:20:30'), extract(WEEK FROM DATE '2020-01-31')
=> 2020 | 10 | 5

SELECT hour(DATE '2020-01-31')
=! FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (date) for function hour.

-- Whole units that have passed, not boundaries that were crossed.
SELECT date_diff('hour', TIMESTAMP '2020-01-01 00:59:00', TIMESTAMP '2020-01-01 01:01:00'), date_diff('hour', TIMESTAMP '2020-01-01 00:59:00', TIMESTAMP '2020-01-01 01:59:00')
=> 0 | 1

SELECT date_diff('day', DATE '2020-01-31', DATE '2020-03-01'), date_diff('month', DATE '2020-01-31', DATE '2020-03-01'), date_diff('year', DATE '2019-12-31', DATE '2020-01-01'), date_diff('week', DATE '2020-01-05', DATE '2020-01-06')
=> 30 | 1 | 0 | 0

SELECT date_diff('day', TIMESTAMP '2020-01-02 00:00:00', TIMESTAMP '2020-01-01 01:00:00'), date_diff('second', TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP '2020-01-01 00:01:30.900'), date_diff('millisecond', TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP '2020-01-01 00:00:01.500')
=> 0 | 90 | 1500

SELECT date_diff('hour', DATE '2020-01-01', DATE '2020-01-02')
=! INVALID_FUNCTION_ARGUMENT: line 1:8: 'hour' is not a valid DATE field

SELECT date_add('day', 1, DATE '2020-02-28'), date_add('month', 1, DATE '2020-01-31'), date_add('hour', -2, TIMESTAMP '2020-01-01 01:00:00'), date_add('quarter', 1, DATE '2020-01-01'), date_add('week', 2, DATE '2020-01-01')
=: date, date, timestamp(0), date, date
=> 2020-02-29 | 2020-02-29 | 2019-12-31 23:00:00.000 | 2020-04-01 | 2020-01-15

SELECT date_trunc('month', DATE '2020-02-15'), date_trunc('week', DATE '2020-01-05'), date_trunc('hour', TIMESTAMP '2020-01-01 10:20:30'), date_trunc('quarter', DATE '2020-05-05'), date_trunc('year', TIMESTAMP '2020-05-05 01:00:00')
=> 2020-02-01 | 2019-12-30 | 2020-01-01 10:00:00.000 | 2020-04-01 | 2020-01-01 00:00:00.000

SELECT date_trunc('decade', DATE '2020-02-15')
=! INVALID_FUNCTION_ARGUMENT: line 1:8: 'decade' is not a valid DATE field

SELECT date_parse('2020-01-31 10:20:30', '%Y-%m-%d %H:%i:%s'), date_parse('31/1/20', '%d/%c/%y'), date_parse('Jan 5 2020', '%b %e %Y')
=: timestamp(3), timestamp(3), timestamp(3)
=> 2020-01-31 10:20:30.000 | 2020-01-31 00:00:00.000 | 2020-01-05 00:00:00.000

SELECT date_parse('2020-13-01', '%Y-%m-%d')
=! INVALID_FUNCTION_ARGUMENT: Invalid format: "2020-13-01"

SELECT TRY(date_parse('x', '%Y'))
=> NULL

SELECT date_format(TIMESTAMP '2020-01-05 09:05:03.123', '%Y-%m-%d %H:%i:%s'), date_format(TIMESTAMP '2020-01-05 21:05:03', '%h:%i %p'), date_format(DATE '2020-01-05', '%W %M %e'), date_format(TIMESTAMP '2020-01-05 00:00:00', '%a %b %c %j %y %T')
=> 2020-01-05 09:05:03 | 09:05 PM | Sunday January 5 | Sun Jan 1 005 20 00:00:00

SELECT date_format(TIMESTAMP '2020-01-05 00:00:00.123456', '%f'), date_format(DATE '2020-01-05', '%x-%v'), date_format(DATE '2020-01-05', '100%%')
=> 123456 | 2020-01 | 100%

SELECT date_format(DATE '2020-01-05', '%D')
=! INVALID_FUNCTION_ARGUMENT: line 1:8: %D not supported in date format string

SELECT format_datetime(TIMESTAMP '2020-01-05 09:05:03.123', 'yyyy-MM-dd HH:mm:ss.SSS'), format_datetime(DATE '2020-01-05', 'EEEE, d MMM yy'), format_datetime(TIMESTAMP '2020-01-05 21:00:00', 'h ''o''''clock'' a')
=> 2020-01-05 09:05:03.123 | Sunday, 5 Jan 20 | 9 o'clock PM

SELECT parse_datetime('2020-01-31 10:20', 'yyyy-MM-dd HH:mm'), parse_datetime('31.01.2020 +0200', 'dd.MM.yyyy Z')
=: timestamp(3) with time zone, timestamp(3) with time zone
=> 2020-01-31 10:20:00.000 UTC | 2020-01-31 00:00:00.000 +02:00

SELECT parse_datetime('x', 'yyyy')
=! INVALID_FUNCTION_ARGUMENT: Invalid format: "x"

SELECT from_unixtime(0), from_unixtime(1580000000.5), to_unixtime(TIMESTAMP '1970-01-02 00:00:00')
=> 1970-01-01 00:00:00.000 UTC | 2020-01-26 00:53:20.500 UTC | 86400.0

SELECT from_unixtime(0, 'America/New_York')
=> 1969-12-31 19:00:00.000 America/New_York

SELECT from_iso8601_timestamp('2020-01-31T10:20:30Z'), from_iso8601_timestamp('2020-01-31T10:20:30.5+02:00'), from_iso8601_timestamp('2020-01-31'), from_iso8601_date('2020-01-31')
=> 2020-01-31 10:20:30.000 UTC | 2020-01-31 10:20:30.500 +02:00 | 2020-01-31 00:00:00.000 UTC | 2020-01-31

SELECT from_iso8601_timestamp('x')
=! INVALID_FUNCTION_ARGUMENT: Invalid format: "x"

SELECT to_iso8601(DATE '2020-01-31'), to_iso8601(TIMESTAMP '2020-01-31 10:20:30.500'), to_iso8601(TIMESTAMP '2020-01-31 10:20:30.500 UTC')
=> 2020-01-31 | 2020-01-31T10:20:30.500 | 2020-01-31T10:20:30.500Z

SELECT TIMESTAMP '2020-01-01 12:00:00 UTC' AT TIME ZONE 'America/New_York', TIMESTAMP '2020-07-01 12:00:00 UTC' AT TIME ZONE 'America/New_York'
=> 2020-01-01 07:00:00.000 America/New_York | 2020-07-01 08:00:00.000 America/New_York

SELECT TIMESTAMP '2020-01-01 12:00:00' AT TIME ZONE '+05:30', hour(TIMESTAMP '2020-01-01 12:00:00 UTC' AT TIME ZONE 'Asia/Tokyo'), timezone_hour(TIMESTAMP '2020-01-01 00:00:00 +03:30'), timezone_minute(TIMESTAMP '2020-01-01 00:00:00 +03:30')
=> 2020-01-01 17:30:00.000 +05:30 | 21 | 3 | 30

SELECT TIMESTAMP '2020-01-01 12:00:00 UTC' = TIMESTAMP '2020-01-01 07:00:00 America/New_York', TIMESTAMP '2020-01-01 12:00:00 UTC' < TIMESTAMP '2020-01-01 08:00:00 America/New_York'
=> true | true

SELECT TIMESTAMP '2020-01-01 12:00:00 UTC' AT TIME ZONE 'Mars/Base'
=! INVALID_FUNCTION_ARGUMENT: line 1:8: 'Mars/Base' is not a valid time zone

SELECT with_timezone(TIMESTAMP '2020-01-01 12:00:00', 'Europe/Paris'), CAST(TIMESTAMP '2020-01-01 12:00:00 Europe/Paris' AS timestamp)
=> 2020-01-01 12:00:00.000 Europe/Paris | 2020-01-01 12:00:00.000

SELECT DATE '2020-01-31' + INTERVAL '1' MONTH, DATE '2020-01-31' - INTERVAL '1' DAY, TIMESTAMP '2020-01-01 00:00:00' + INTERVAL '90' MINUTE, INTERVAL '2' DAY + DATE '2020-01-01', DATE '2020-02-29' + INTERVAL '1' YEAR
=> 2020-02-29 | 2020-01-30 | 2020-01-01 01:30:00.000 | 2020-01-03 | 2021-02-28

SELECT DATE '2020-01-31' + INTERVAL '1' HOUR
=! INVALID_FUNCTION_ARGUMENT: Cannot add hour, minutes or seconds to a date

SELECT TIMESTAMP '2020-01-02 01:00:00' - TIMESTAMP '2020-01-01 00:00:00', DATE '2020-01-03' - DATE '2020-01-01'
=: interval day to second, interval day to second
=> 1 01:00:00.000 | 2 00:00:00.000

SELECT INTERVAL '1-2' YEAR TO MONTH, INTERVAL '3' MONTH, INTERVAL '1 02:03:04.5' DAY TO SECOND, INTERVAL '-5' SECOND, 2 * INTERVAL '36' HOUR
=> 1-2 | 0-3 | 1 02:03:04.500 | -0 00:00:05.000 | 3 00:00:00.000

SELECT last_day_of_month(DATE '2020-02-10'), date('2020-01-31'), to_milliseconds(INTERVAL '1' SECOND)
=> 2020-02-29 | 2020-01-31 | 1000

SELECT DATE '2020-01-31' < TIMESTAMP '2020-01-31 00:00:01', DATE '2020-01-31' = TIMESTAMP '2020-01-31 00:00:00'
=> true | true

SELECT current_date = CAST(now() AS date), current_timestamp = now(), typeof(now()), typeof(localtimestamp), current_timezone()
=> true | true | timestamp(3) with time zone | timestamp(3) | UTC

SELECT typeof(TIMESTAMP '2020-01-01 00:00:00.123456'), typeof(TIMESTAMP '2020-01-01 00:00:00 UTC'), typeof(TIME '01:02:03')
=> timestamp(6) | timestamp(0) with time zone | time(0)

SELECT DATE '2020-01-31' = '2020-01-31'
=! TYPE_MISMATCH: line 1:8: Cannot apply operator: date = varchar(10)

SELECT placed, date_trunc('day', placed), CAST(placed AS date) FROM orders WHERE id = 10
=> 2020-01-31 10:20:30.123 | 2020-01-31 00:00:00.000 | 2020-01-31

SELECT TIME '01:02:03' + INTERVAL '1' HOUR, hour(TIME '10:20:30')
=> 02:02:03.000 | 10
