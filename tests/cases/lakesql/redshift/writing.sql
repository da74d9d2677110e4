INSERT INTO stock (item, count, price) VALUES ('cap', 1, 1.005), ('hat', DEFAULT, '2.5'); SELECT * FROM stock WHERE id >= 100 ORDER BY id
=> 100 | cap | 1 | 1.01 | NULL | 2020-01-01
=> 101 | hat | 0 | 2.50 | NULL | 2020-01-01

INSERT INTO stock (item) SELECT name FROM people WHERE name IS NOT NULL; SELECT item, count, since FROM stock WHERE id >= 100 ORDER BY id
=> Ada | 0 | 2020-01-01
=> Bo | 0 | 2020-01-01
=> Cy | 0 | 2020-01-01

INSERT INTO people VALUES (9, 'Di'); SELECT * FROM people WHERE id = 9
=> 9 | Di | NULL | NULL | NULL

INSERT INTO stock (item) VALUES ('much too long a name')
=! 22001: value too long for type character varying(10)

INSERT INTO stock (item, code) VALUES ('x', 'ab  '), ('y', 'abc'); SELECT item, code, len(code) FROM stock WHERE id >= 100 ORDER BY item
=> x | ab  | 2
=> y | abc | 3

INSERT INTO stock (item, code) VALUES ('x', 'abcd')
=! 22001: value too long for type character(3)

INSERT INTO stock (item) SELECT NULL
=! 23502: Cannot insert a NULL value into column item

INSERT INTO stock (count) VALUES (1)
=! 23502: Cannot insert a NULL value into column item

INSERT INTO stock (id, item) VALUES (5, 'x')
=! 0A000 at 38: cannot set an identity column to a value

INSERT INTO stock (item, price) VALUES ('x', 12345.6)
=! 22003: Numeric data overflow (result precision)

INSERT INTO stock (item, count) VALUES ('x', 'many')
=! 22P02 at 46: invalid input syntax for integer: "many"

INSERT INTO stock (item, count) SELECT 'x', name FROM people
=! 42804 at 13: column "count" is of type integer but expression is of type character varying

INSERT INTO stock (item, since) VALUES ('x', 5)
=! 42804 at 46: column "since" is of type date but expression is of type integer

INSERT INTO stock (item, since) VALUES ('x', '2020-02-30')
=! 22008 at 46: date/time field value out of range: "2020-02-30"

INSERT INTO stock (item, nothing) VALUES ('x', 1)
=! 42703 at 26: column "nothing" of relation "stock" does not exist

INSERT INTO stock (item, item) VALUES ('x', 'y')
=! 42701 at 26: column "item" specified more than once

INSERT INTO stock (item, count) VALUES ('x')
=! 42601 at 41: INSERT has more target columns than expressions

INSERT INTO stock (item) VALUES ('x', 1)
=! 42601 at 34: INSERT has more expressions than target columns

INSERT INTO stock DEFAULT VALUES
=! 23502: Cannot insert a NULL value into column item

INSERT INTO orders DEFAULT VALUES; SELECT count(*) FROM orders
=> 5

INSERT INTO nowhere VALUES (1)
=! 42P01 at 13: relation "nowhere" does not exist

INSERT INTO events (id, doc) VALUES (3, json_parse('{"n":2}')), (4, 'text'); SELECT id, doc FROM events WHERE id > 2 ORDER BY id
=> 3 | {"n":2}
=> 4 | "text"

INSERT INTO people WITH q AS (SELECT 20 AS id) SELECT id, 'Ed', 'Rome' FROM q; SELECT * FROM people WHERE id = 20
=> 20 | Ed | Rome   | NULL | NULL

UPDATE stock SET count = count + 1, price = DEFAULT WHERE item = 'pen'; SELECT item, count, price FROM stock ORDER BY id
=> pen | 6 | NULL
=> ink | 2 | 7.25

UPDATE stock SET price = o.amount FROM orders o WHERE o.id = stock.id + 9; SELECT item, price FROM stock ORDER BY id
=> pen | 19.90
=> ink | 5.00

UPDATE stock s SET (count, code) = (7, 'Z') WHERE s.id = 2; SELECT count, code FROM stock WHERE id = 2
=> 7 | Z  

UPDATE stock SET item = NULL
=! 23502: Cannot insert a NULL value into column item

UPDATE stock SET item = 'much too long a name'
=! 22001: value too long for type character varying(10)

UPDATE stock SET count = 1, count = 2
=! 42601 at 29: multiple assignments to same column "count"

UPDATE stock SET nothing = 1
=! 42703 at 18: column "nothing" of relation "stock" does not exist

UPDATE stock SET id = 5
=! 0A000 at 23: cannot set an identity column to a value

UPDATE stock SET count = (SELECT count(*) FROM people WHERE people.id <= stock.id); SELECT count FROM stock ORDER BY id
=> 1
=> 2

DELETE FROM stock WHERE item = 'ink'; SELECT count(*) FROM stock
=> 1

DELETE FROM stock USING orders o WHERE o.id = stock.id + 9 AND o.amount > 10; SELECT item FROM stock
=> ink

DELETE stock; SELECT count(*) FROM stock
=> 0

WITH old AS (SELECT 1 AS id) DELETE FROM stock WHERE id IN (SELECT id FROM old); SELECT id FROM stock
=> 2

MERGE INTO stock USING (SELECT 1 AS id, 'pencil' AS item UNION ALL SELECT 7, 'new') s ON stock.id = s.id WHEN MATCHED THEN UPDATE SET item = s.item WHEN NOT MATCHED THEN INSERT (item, count) VALUES (s.item, 3); SELECT item, count, price FROM stock ORDER BY id
=> pencil | 5 | 1.50
=> ink | 2 | 7.25
=> new | 3 | NULL

MERGE INTO stock USING (SELECT 1 AS id) s ON stock.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (item) VALUES ('x'); SELECT item FROM stock
=> ink

MERGE INTO stock USING (SELECT 1 AS id UNION ALL SELECT 1) s ON stock.id = s.id WHEN MATCHED THEN UPDATE SET count = 0 WHEN NOT MATCHED THEN INSERT (item) VALUES ('x')
=! 21000: Found multiple matches to update the same tuple.

MERGE INTO people USING (SELECT 1 AS id, 'Ann' AS name, 'Rome' AS city, 1 AS age, 1.5 AS height UNION ALL SELECT 9, 'Zoe', 'Oslo', 2, 2) s ON people.id = s.id REMOVE DUPLICATES; SELECT * FROM people WHERE id IN (1, 9) ORDER BY id
=> 1 | Ann | Rome   | 1 | 1.5
=> 9 | Zoe | Oslo   | 2 | 2

MERGE INTO stock USING people ON stock.id = people.id WHEN MATCHED THEN DELETE
=! 42601 at 12: MERGE needs both WHEN MATCHED and WHEN NOT MATCHED

INSERT INTO stock (item, since, count) SELECT 'x', '2020-03-04', NULL; SELECT item, since, count FROM stock WHERE id >= 100
=> x | 2020-03-04 | NULL

INSERT INTO stock (item, since) SELECT 'x', '2020-03-04' UNION ALL SELECT 'y', DATE '2020-03-05'; SELECT item, since FROM stock WHERE id >= 100 ORDER BY 1
=> x | 2020-03-04
=> y | 2020-03-05

INSERT INTO stock (item) VALUES (upper('abc') || 1), (current_user); SELECT item FROM stock WHERE id >= 100 ORDER BY 1
=> ABC1
=> awsuser

INSERT INTO stock (item) VALUES ('x') ON CONFLICT DO NOTHING
=! 42601 at 13: syntax error at or near "on conflict"

INSERT INTO stock (item) VALUES ('x') RETURNING id
=! 42601 at 13: syntax error at or near "returning"

DELETE FROM stock RETURNING id
=! 42601 at 13: syntax error at or near "returning"

MERGE INTO stock USING people ON stock.id = people.id WHEN MATCHED AND people.id > 1 THEN DELETE WHEN NOT MATCHED THEN INSERT (item) VALUES ('x')
=! 42601 at 72: syntax error at or near "and"

INSERT INTO stock
=! 42601: syntax error at end of input

INSERT INTO stock (item) VALUES ()
=! 42601: syntax error at or near ")"
