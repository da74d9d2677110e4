SELECT json_extract_scalar('{"a": {"b": [1, "x"]}}', '$.a.b[1]'), json_extract_scalar('{"a": 1.5}', '$.a'), json_extract_scalar('{"a": [1]}', '$.a'), json_extract_scalar('{"a": null}', '$.a'), json_extract_scalar('{"a": true}', '$.a')
=> x | 1.5 | NULL | NULL | true

SELECT json_extract('{"a": {"b": [1, "x"]}}', '$.a'), json_extract('{"a": "x"}', '$.a'), json_extract('{"a": 1}', '$.z'), json_extract('{"a": null}', '$.a')
=: json, json, json, json
=> {"b":[1,"x"]} | "x" | NULL | null

SELECT json_extract('no json', '$.a'), json_extract_scalar('no json', '$.a')
=> NULL | NULL

SELECT json_extract_scalar('{"a b": {"c.d": 1}}', '$["a b"]["c.d"]'), json_extract_scalar('{"a-b": 1}', '$.a-b')
=> 1 | 1

SELECT json_extract('{"a": 1}', 'x')
=! INVALID_FUNCTION_ARGUMENT: line 1:8: Invalid JSON path: 'x'

SELECT json_extract('{"a": 1}', '$.*')
=! NOT_SUPPORTED: line 1:8: JSON path with wildcards ($.*) is not supported

SELECT json_parse('{"b": 1, "a": [1, 2]}'), json_format(json_parse('[1, "a"]')), json_parse('"x"')
=> {"a":[1,2],"b":1} | [1,"a"] | "x"

SELECT json_parse('{a')
=! INVALID_FUNCTION_ARGUMENT: Cannot convert value to JSON: '{a'

SELECT json_array_length('[1, 2, 3]'), json_array_length('{}'), json_size('{"a": {"b": 1, "c": 2}}', '$.a'), json_size('{"a": [1, 2, 3]}', '$.a'), json_size('{"a": 1}', '$.a')
=> 3 | NULL | 2 | 3 | 0

SELECT json_array_contains('[1, 2, 3]', 2), json_array_contains('["a"]', 'a'), json_array_contains('["2"]', 2), json_array_contains('[true]', true)
=> true | true | false | true

SELECT is_json_scalar('1'), is_json_scalar('[1]')
=> true | false

SELECT CAST(1 AS json), CAST('a"b' AS json), CAST(ARRAY[1, NULL] AS json), CAST(MAP(ARRAY['k'], ARRAY[1]) AS json), CAST(CAST(ROW(1, 'x') AS row(a integer, b varchar)) AS json), CAST(true AS json), CAST(NULL AS json)
=> 1 | "a\"b" | [1,null] | {"k":1} | {"a":1,"b":"x"} | true | NULL

SELECT CAST(json_parse('[1, 2]') AS array(integer)), CAST(json_parse('{"a": 1}') AS map(varchar, integer)), CAST(json_parse('{"a": 1, "b": "x"}') AS row(a integer, b varchar)), CAST(json_parse('5') AS integer), CAST(json_parse('"x"') AS varchar)
=> [1, 2] | {a=1} | {a=1, b=x} | 5 | x

SELECT CAST(json_parse('{"a": [1, {"c": 2}]}') AS map(varchar, array(json)))
=> {a=[1, {"c":2}]}

SELECT CAST(json_parse('[1]') AS integer)
=! INVALID_CAST_ARGUMENT: Cannot cast to integer

SELECT CAST(json_parse('null') AS integer), CAST(json_parse('1') AS array(integer)) IS NULL
=! INVALID_CAST_ARGUMENT: Cannot cast to array(integer)

SELECT json_extract_scalar(raw, '$.k[1].x') FROM events WHERE raw LIKE '{%'
=> y

SELECT json_value('{}', 'lax $')
=! NOT_SUPPORTED: line 1:8: Function 'json_value' is not supported
