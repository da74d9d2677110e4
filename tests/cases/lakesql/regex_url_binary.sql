SELECT regexp_like('1a 2b 14m', '\d+b'), regexp_like('abc', '^b'), regexp_extract('1a 2b 14m', '\d+'), regexp_extract('1a 2b 14m', '(\d+)([a-z]+)', 2), regexp_extract('abc', '\d')
=> true | false | 1 | a | NULL

SELECT regexp_extract_all('1a 2b 14m', '\d+'), regexp_extract_all('1a 2b 14m', '(\d+)([a-z]+)', 2)
=> [1, 2, 14] | [a, b, m]

SELECT regexp_replace('1a 2b 14m', '\d+[ab] '), regexp_replace('1a 2b 14m', '(\d+)([ab]) ', '3c$2 '), regexp_replace('abc', '(?<x>b)', '<${x}>'), regexp_replace('a.b', '\.', '\$')
=> 14m | 3ca 3cb 14m | a<b>c | a$b

SELECT regexp_split('1a 2b 14m', '\s*[a-z]+\s*'), regexp_count('1a 2b 14m', '\s*[a-z]+\s*')
=> [1, 2, 14, ] | 3

SELECT regexp_extract('abc', '(b)', 2)
=! INVALID_FUNCTION_ARGUMENT: line 1:8: Pattern has 1 groups. Cannot access group 2

SELECT regexp_like('abc', 'a(?=b)')
=! NOT_SUPPORTED: line 1:8: A regular expression with look-around

SELECT regexp_like('aa', '(a)\1')
=! NOT_SUPPORTED: line 1:8: A regular expression with back references

SELECT regexp_replace('abc', 'b', '$1')
=! INVALID_FUNCTION_ARGUMENT: line 1:8: Illegal replacement sequence: unknown group 1

SELECT regexp_extract('ac', 'a(b)?c', 1), regexp_like('ABC', '(?i)abc')
=> NULL | true

SELECT url_extract_protocol('https://u@ex.com:80/p/a?x=1#f'), url_extract_host('https://u@ex.com:80/p/a?x=1#f'), url_extract_port('https://ex.com:80/p'), url_extract_path('https://ex.com/p/a?x=1'), url_extract_query('https://ex.com/p?x=1&y=2#f'), url_extract_fragment('https://ex.com/p#f'), url_extract_port('https://ex.com/')
=> https | ex.com | 80 | /p/a | x=1&y=2 | f | NULL

SELECT url_extract_parameter('http://a/?x=1&y=a%20b&z', 'y'), url_extract_parameter('http://a/?x=1', 'q'), url_extract_parameter('http://a/?x=1&z', 'z'), url_extract_host('not a url')
=> a b | NULL |  | NULL

SELECT url_encode('a b/c~d'), url_decode('a+b%2Fc')
=> a+b%2Fc%7Ed | a b/c

SELECT to_hex(md5(to_utf8('hello'))), to_hex(sha1(to_utf8('hello'))), lower(to_hex(sha256(to_utf8('hello'))))
=> 5D41402ABC4B2A76B9719D911017C592 | AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D | 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824

SELECT to_base64(to_utf8('hello')), from_utf8(from_base64('aGVsbG8=')), to_base64url(X'fbff'), from_hex('666f')
=: varchar, varchar, varchar, varbinary
=> aGVsbG8= | hello | -_8= | 66 6f

SELECT from_hex('zz')
=! INVALID_FUNCTION_ARGUMENT: String is not a valid hexadecimal number: zz

SELECT md5('a')
=! FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (varchar(1)) for function md5. Expected: md5(varbinary)

SELECT xxhash64(to_utf8('a'))
=! NOT_SUPPORTED: line 1:8: Function 'xxhash64' is not supported

SELECT X'01' || X'02', substr(X'010203', 2), length(X'0102'), X'01' = X'01'
=> 01 02 | 02 03 | 2 | true

SELECT data, length(data), from_utf8(data) FROM events WHERE data IS NOT NULL
=> 66 6f 6f | 3 | foo

SELECT regexp_like(name, name) FROM people
=! NOT_SUPPORTED: line 1:8: A regular expression that is not a literal is not supported

SELECT regexp_replace('a1b2', '[0-9]', x -> 'n')
=! NOT_SUPPORTED: line 1:8: regexp_replace with a lambda is not supported
