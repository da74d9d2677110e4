SELECT json_extract_path_text('{"a":{"b":1}}', 'a', 'b'), json_extract_path_text('{"a":{"b":[1, 2]}}', 'a', 'b'), json_extract_path_text('{"a":1}', 'x'), json_extract_path_text('nonsense', 'a', true)
=> 1 | [1,2] |  | NULL

SELECT json_extract_path_text(raw, 'k') FROM events WHERE id = 1
=> [1,{"x":"y"}]

SELECT json_extract_path_text(raw, 'k') FROM events WHERE id = 2
=! 22P02: JSON parsing error: no json

SELECT json_extract_array_element_text('[1,"b",[2]]', 1), json_extract_array_element_text('[1]', 5), json_array_length('[1,2,3]'), json_array_length('{}', true), is_valid_json('{"a":1}'), is_valid_json('x'), is_valid_json_array('[1]')
=> b | NULL | 3 | NULL | t | f | t

SELECT doc.who.name, doc.tags[0], doc.tags[9], doc.nothing.more, doc.n FROM events ORDER BY id
=> "Ada" | "a" | NULL | NULL | 1.5
=> NULL | NULL | NULL | NULL | NULL

SELECT doc.who.name::varchar, doc.n::decimal(5,1), doc.who.id::int + 1 FROM events WHERE id = 1
=> Ada | 1.5 | 2

SELECT doc.tags::varchar FROM events WHERE id = 1
=> ["a","b"]

SELECT doc.tags::int FROM events WHERE id = 1
=! 22023: Invalid input: a SUPER array or object cannot be cast to a scalar type

SELECT id FROM events WHERE doc.who.name = 'Ada' AND doc.n > 1 AND doc.who.id = 1
=> 1

SELECT id FROM events WHERE doc.ok = true
=> 2

SELECT id, t FROM events, events.doc.tags AS t ORDER BY id, t
=> 1 | "a"
=> 1 | "b"

SELECT e.id, t, i FROM events e, e.doc.tags t AT i ORDER BY i
=> 1 | "a" | 0
=> 1 | "b" | 1

SELECT k, v FROM events e, UNPIVOT e.doc.who AS v AT k WHERE e.id = 1 ORDER BY k
=> id | 1
=> name | "Ada"

SELECT e.id, t FROM events e LEFT JOIN e.doc.tags AS t ON true ORDER BY e.id, t
=> 1 | "a"
=> 1 | "b"
=> 2 | NULL

SELECT json_parse('{"a" : [1, 2]}'), json_serialize(json_parse('[1, "x"]')), json_typeof(json_parse('1')), json_typeof(json_parse('{}')), is_array(json_parse('[]')), is_object(json_parse('[]')), is_scalar(json_parse('"x"'))
=> {"a":[1,2]} | [1,"x"] | number | object | t | f | t

SELECT json_parse('{x')
=! 22P02: JSON parsing error: {x

SELECT array(1, 'a', NULL), object('a', 1, 'b', array(1.5)), array_concat(array(1), array(2)), array_flatten(array(array(1), 2)), subarray(array(1, 2, 3), 1, 1), get_array_length(array(1, 2)), split_to_array('a|b', '|')
=> [1,"a",null] | {"a":1,"b":[1.5]} | [1,2] | [1,2] | [2] | 2 | ["a","b"]

SELECT name.x FROM people
=! 42601 at 8: navigation on a value that is not SUPER: name.x

SELECT can_json_parse('[1]'), can_json_parse('x'), json_parse('{"a":[{"b":3}]}').a[0].b, is_integer(json_parse('5')), is_varchar(json_parse('"x"'))
=> t | f | 3 | t | t

SELECT doc.n + 1 FROM events WHERE id = 1
=> 2.5
