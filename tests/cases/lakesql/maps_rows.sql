SELECT MAP(ARRAY['a', 'b'], ARRAY[1, 2]), MAP(ARRAY['a', 'b'], ARRAY[1, 2])['b'], element_at(MAP(ARRAY['a'], ARRAY[1]), 'z'), cardinality(MAP(ARRAY['a'], ARRAY[1]))
=> {a=1, b=2} | 2 | NULL | 1

SELECT MAP(ARRAY['a'], ARRAY[1])['z']
=! INVALID_FUNCTION_ARGUMENT: Key not present in map: z

SELECT TRY(MAP(ARRAY['a'], ARRAY[1])['z'])
=> NULL

SELECT MAP(ARRAY['a', 'a'], ARRAY[1, 2])
=! INVALID_FUNCTION_ARGUMENT: Duplicate map keys (a) are not allowed

SELECT MAP(ARRAY['a'], ARRAY[1, 2])
=! INVALID_FUNCTION_ARGUMENT: Key and value arrays must be the same length

SELECT MAP(), map_keys(MAP(ARRAY[1, 2], ARRAY['a', 'b'])), map_values(MAP(ARRAY[1, 2], ARRAY['a', 'b']))
=> {} | [1, 2] | [a, b]

SELECT map_filter(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> v > 1), transform_values(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> v * 10), transform_keys(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> k || CAST(v AS varchar))
=> {b=2} | {a=10, b=20} | {a1=1, b2=2}

SELECT map_concat(MAP(ARRAY['a'], ARRAY[1]), MAP(ARRAY['a', 'b'], ARRAY[2, 3])), map_entries(MAP(ARRAY[1], ARRAY['x'])), map_from_entries(ARRAY[ROW(1, 'x'), ROW(2, 'y')])
=> {a=2, b=3} | [{field0=1, field1=x}] | {1=x, 2=y}

SELECT map_zip_with(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), MAP(ARRAY['b', 'c'], ARRAY[10, 20]), (k, x, y) -> coalesce(x, 0) + coalesce(y, 0))
=> {a=1, b=12, c=20}

SELECT MAP(ARRAY['a'], ARRAY[1]) = MAP(ARRAY['a'], ARRAY[1]), MAP(ARRAY['a'], ARRAY[1]) = MAP(ARRAY['a'], ARRAY[2])
=> true | false

SELECT tags['a'], element_at(tags, 'c'), map_keys(tags) FROM events WHERE cardinality(tags) > 0
=> 1 | NULL | [a, b]

SELECT ROW(1, 'a'), CAST(ROW(1, 'a') AS row(x integer, y varchar)).x, ROW(1, 'a')[2]
=> {field0=1, field1=a} | 1 | a

SELECT who.id, who.name, who, events.who.name FROM events ORDER BY who.id
=> 1 | Ada | {id=1, name=Ada} | Ada
=> NULL | NULL | NULL | NULL

SELECT who.nope FROM events
=! COLUMN_NOT_FOUND: line 1:8: Column 'who.nope' cannot be resolved

SELECT ROW(1, 2)[3]
=! INVALID_FUNCTION_ARGUMENT: line 1:8: Invalid subscript index: 3. ROW has 2 fields

SELECT ROW(1, 2) = ROW(1, 2), ROW(1, 2) < ROW(1, 3), (1, 2) = (1, 3), ROW(1, 'a') IN (ROW(1, 'a'))
=> true | true | false | true

SELECT typeof(ROW(1, 'a')), typeof(CAST(ROW(1) AS row(a bigint))), typeof(MAP(ARRAY['a'], ARRAY[1])), typeof(who) FROM events LIMIT 1
=> row(integer, varchar(1)) | row(a bigint) | map(varchar(1), integer) | row(id integer, name varchar)
