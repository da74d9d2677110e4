SELECT lower('AbC'), upper('AbC'), length('héllo'), reverse('abc'), trim('  a '), ltrim('  a '), rtrim(' a  ')
=> abc | ABC | 5 | cba | a | a  |  a

SELECT substr('abcdef', 2), substr('abcdef', 2, 3), substr('abcdef', -2), substr('abcdef', 0), substr('abcdef', 0, 2), substr('abcdef', 10)
=> bcdef | bcd | ef |  |  | 

SELECT substr('abc', -5), substr('abc', 2, 0), substr('abc', 2, -1), substring('abcdef', 3), substring('abcdef' FROM 2 FOR 2)
=>  |  |  | cdef | bc

SELECT strpos('abcabc', 'c'), strpos('abc', 'x'), position('b' IN 'abc')
=> 3 | 0 | 2

SELECT replace('abcabc', 'b'), replace('abcabc', 'b', 'X'), translate('abcd', 'ab', 'xy'), translate('abcd', 'ab', 'x')
=> acac | aXcaXc | xycd | xcd

SELECT split('a,b,c', ','), split('a,b,c', ',', 2), split('', ',')
=> [a, b, c] | [a, b,c] | []

SELECT split_part('a,b,c', ',', 2), split_part('a,b,c', ',', 4)
=> b | NULL

SELECT split_part('a,b', ',', 0)
=! INVALID_FUNCTION_ARGUMENT: Index must be greater than zero

SELECT split_to_map('a=1,b=2', ',', '=')
=> {a=1, b=2}

SELECT lpad('abc', 5, 'xy'), rpad('abc', 5, 'xy'), lpad('abc', 2, 'x'), rpad('abc', 2, 'x')
=> xyabc | abcxy | ab | ab

SELECT lpad('abc', 5, '')
=! INVALID_FUNCTION_ARGUMENT: Padding string must not be empty

SELECT concat('a', 'b', 'c'), concat_ws(',', 'a', NULL, 'b'), concat_ws(',', ARRAY['a', NULL, 'c']), concat('a', NULL)
=> abc | a,b | a,c | NULL

SELECT concat('a', 1)
=! FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (varchar(1), integer) for function concat.

SELECT chr(97), codepoint('a'), starts_with('abc', 'ab'), levenshtein_distance('kitten', 'sitting'), hamming_distance('abc', 'abd')
=> a | 97 | true | 3 | 1

SELECT hamming_distance('abc', 'ab')
=! INVALID_FUNCTION_ARGUMENT: The input strings to hamming_distance function must have the same length

SELECT trim(LEADING 'x' FROM 'xxaxx'), trim(TRAILING 'x' FROM 'xxaxx'), trim(BOTH 'x' FROM 'xxaxx'), trim('xxaxx', 'x')
=> axx | xxa | a | a

SELECT length(NULL), lower(NULL), 'a' || lower(NULL)
=> NULL | NULL | NULL

SELECT length(1)
=! FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (integer) for function length. Expected: length(varchar), length(varbinary)

SELECT lower('a', 'b')
=! FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (varchar(1), varchar(1)) for function lower. Expected: lower(varchar)

SELECT to_utf8('abc'), from_utf8(X'616263'), length(to_utf8('é'))
=> 61 62 63 | abc | 2

SELECT format('%s is %d', 'a', 5), format('%05d', 42), format('%.2f', 3.14159), format('%,d', 1234567), format('%s%%', 10), format('%x', 255)
=> a is 5 | 00042 | 3.14 | 1,234,567 | 10% | ff

SELECT format('%s', 1.5), format('%10s|', 'a'), format('%-4s|', 'a'), format('%2$s %1$s', 'a', 'b')
=> 1.5 |          a| | a   | | b a

SELECT format('%d', 'a')
=! INVALID_FUNCTION_ARGUMENT: line 1:8: Invalid format string: %d for varchar(1)

SELECT 'a' < 'b', 'B' < 'a', 'a' = 'A', '' = ''
=> true | true | false | true

SELECT CAST('a' AS char(3)) = CAST('a ' AS char(5)), CAST('a' AS char(3)) = 'a'
=> true | true

SELECT upper(name), length(name) FROM people ORDER BY id
=> ADA | 3
=> BO | 2
=> CY | 2
=> NULL | NULL

SELECT split('abc', '')
=! INVALID_FUNCTION_ARGUMENT: The delimiter may not be the empty string
