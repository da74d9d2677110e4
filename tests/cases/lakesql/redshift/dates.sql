SELECT dateadd(month, 1, '2020-01-31'), dateadd('day', -1, DATE '2020-03-01'), dateadd(hour, 2, TIMESTAMP '2020-01-01 23:00:00'), dateadd(qtr, 1, '2020-01-01'), dateadd(w, 1, '2020-01-01')
=> 2020-02-29 00:00:00 | 2020-02-29 00:00:00 | 2020-01-02 01:00:00 | 2020-04-01 00:00:00 | 2020-01-08 00:00:00

-- Boundaries are counted, not whole units.
SELECT datediff(year, '2019-12-31', '2020-01-01'), datediff(hour, '2020-01-01 00:59', '2020-01-01 01:01'), datediff(day, '2020-01-02', '2020-01-01'), datediff(mon, '2020-01-31', '2020-02-01'), datediff(week, '2020-01-05', '2020-01-06'), datediff(second, '2020-01-01', '2020-01-02')
=> 1 | 1 | -1 | 1 | 0 | 86400

SELECT date_trunc('month', TIMESTAMP '2020-05-15 10:20:30'), date_trunc('week', DATE '2020-01-05'), date_trunc('hour', TIMESTAMP '2020-05-15 10:20:30'), date_trunc('quarter', '2020-05-15')
=> 2020-05-01 00:00:00 | 2019-12-30 00:00:00 | 2020-05-15 10:00:00 | 2020-04-01 00:00:00

-- Sunday is 0.
SELECT date_part(dow, '2020-03-01'), extract(dow FROM DATE '2020-03-07'), date_part('doy', '2020-03-01'), extract(week FROM DATE '2020-01-01'), extract(epoch FROM TIMESTAMP '1970-01-02 00:00:00'), date_part(year, '2020-03-01'), extract(quarter FROM DATE '2020-05-01'), date_part(minute, TIMESTAMP '2020-01-01 10:20:30')
=> 0 | 6 | 61 | 1 | 86400 | 2020 | 2 | 20

SELECT date_part(foo, '2020-03-01')
=! 22023 at 18: timestamp units "foo" not recognized

SELECT last_day('2020-02-03'), add_months('2020-01-31', 1), add_months('2020-02-29', 1), months_between('2020-03-31', '2020-02-29'), months_between('2020-03-15', '2020-02-15'), next_day('2020-01-01', 'Tu'), trunc(TIMESTAMP '2020-01-01 10:00')
=> 2020-02-29 | 2020-02-29 00:00:00 | 2020-03-31 00:00:00 | 1 | 1 | 2020-01-07 | 2020-01-01

SELECT next_day('2020-01-01', 'someday')
=! 22023: Day of week someday is invalid

SELECT DATE '2020-01-31' + 1, DATE '2020-01-31' - 1, DATE '2020-01-31' - DATE '2020-01-01', DATE '2020-01-01' + INTERVAL '1 month', TIMESTAMP '2020-01-01 10:00' - INTERVAL '1 day 2 hours', TIMESTAMP '2020-01-02' - TIMESTAMP '2020-01-01 12:00'
=> 2020-02-01 | 2020-01-30 | 30 | 2020-02-01 00:00:00 | 2019-12-31 08:00:00 | 12:00:00

SELECT INTERVAL '1 day' * 2, INTERVAL '1 day' / 2, INTERVAL '90 minutes' + INTERVAL '1' hour, INTERVAL '3' day + TIMESTAMP '2020-01-01', INTERVAL '1-2' year to month + DATE '2020-01-01'
=> 2 days, 0:00:00 | 12:00:00 | 2:30:00 | 2020-01-04 00:00:00 | 2021-03-01 00:00:00

SELECT INTERVAL 'nonsense'
=! 22007 at 17: invalid input syntax for type interval: "nonsense"

SELECT convert_timezone('America/New_York', '2020-01-01 12:00'), convert_timezone('UTC', 'Europe/Berlin', TIMESTAMP '2020-07-01 12:00'), TIMESTAMP '2020-01-01 12:00' AT TIME ZONE 'Europe/Berlin', convert_timezone('EST', 'UTC', '2020-01-01 00:00')
=> 2020-01-01 07:00:00 | 2020-07-01 14:00:00 | 2020-01-01 11:00:00+00:00 | 2020-01-01 05:00:00

SELECT (TIMESTAMP '2020-01-01 12:00' AT TIME ZONE 'UTC') AT TIME ZONE 'Asia/Tokyo'
=> 2020-01-01 21:00:00

SELECT getdate() > '2020-01-01', sysdate >= '2020-01-01', current_date > '2020-01-01', getdate() = trunc(getdate()) + (getdate() - trunc(getdate()))
=> t | t | t | t

SELECT datediff(day, getdate(), getdate() + 1), datediff(day, sysdate - 1, sysdate)
=> 1 | 1

SELECT placed, day FROM orders WHERE day = '2020-02-01' AND placed < '2020-02-01 06:00' ORDER BY id
=> 2020-02-01 00:00:00 | 2020-02-01

SELECT id FROM orders WHERE placed BETWEEN '2020-01-31' AND DATE '2020-02-01' ORDER BY id
=> 10
=> 11

SELECT count(*) FROM orders WHERE placed::date = day
=> 3

SELECT TIME '10:20' + INTERVAL '1 hour', DATE '2020-01-01' + TIME '10:20', TIME '10:20' - TIME '09:00'
=> 11:20:00 | 2020-01-01 10:20:00 | 1:20:00

SELECT date_cmp('2020-01-01', '2020-01-02'), timestamp_cmp('2020-01-02', '2020-01-01')
=> -1 | 1

SELECT convert_timezone('Mars/Olympus', '2020-01-01 12:00')
=! 22023: time zone "Mars/Olympus" not recognized
