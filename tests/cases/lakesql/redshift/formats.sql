SELECT to_char(TIMESTAMP '2020-01-05 14:03:02', 'YYYY-MM-DD HH24:MI:SS'), to_char(DATE '2020-01-05', 'DD Mon YYYY'), to_char(TIMESTAMP '2020-01-05 14:03', 'HH12:MI AM'), to_char(DATE '2020-01-05', 'Day'), to_char(DATE '2020-01-05', 'FMDay, DDth FMMonth'), to_char(DATE '2020-01-05', 'D DDD Q WW IW')
=> 2020-01-05 14:03:02 | 05 Jan 2020 | 02:03 PM | Sunday    | Sunday, 5th January | 1 005 1 01 01

SELECT to_char(DATE '2020-01-05', 'MON'), to_char(DATE '2020-01-05', 'month'), to_char(DATE '2020-01-05', 'YY "year" Y,YYY CC'), to_char(DATE '2020-01-05', 'J')
=> JAN | january   | 20 year 2,020 21 | 2458854

SELECT to_char(1234.5, '9,999.99'), to_char(-12, '999'), to_char(0.5, '0.99'), to_char(0.5, '9.99'), to_char(125.8, 'FM999.99'), to_char(12345, '999'), to_char(12, '0000'), to_char(-5, 'S99'), to_char(5, '99MI'), to_char(-5, '99PR')
=>  1,234.50 |  -12 |  0.50 |   .50 | 125.8 |  ### |  0012 |  -5 |  5  |  <5>

SELECT to_char(1234567.891, 'FM9,999,999.00'), to_char(42, 'FM999'), to_char(12.3, '$99.99')
=> 1,234,567.89 | 42 | $ 12.30

SELECT to_date('31-01-2020', 'DD-MM-YYYY'), to_date('Jan 5, 2020', 'Mon DD, YYYY'), to_date('20200131', 'YYYYMMDD'), to_timestamp('2020-01-02 03:04:05', 'YYYY-MM-DD HH24:MI:SS')
=> 2020-01-31 | 2020-01-05 | 2020-01-31 | 2020-01-02 03:04:05+00:00

SELECT to_date('2020-13-01', 'YYYY-MM-DD')
=! 22007: invalid value "2020-13-01" for template "YYYY-MM-DD"

SELECT to_number('1,234.5-', '9G999D9S'), to_number('$12.34', 'L99D99'), to_number('17', '99')
=> -1234.5 | 12.34 | 17

SELECT to_number('abc', '999')
=! 22P02: invalid input syntax for type numeric: "abc"

SELECT to_char(getdate(), city) FROM people
=! 0A000 at 8: to_char with a template that is not a literal is not supported
