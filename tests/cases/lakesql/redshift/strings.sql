SELECT lower('AbC'), upper('AbC'), len('héllo'), length('abc   '), octet_length('héllo'), reverse('abc'), initcap('hELLO wORLD-x')
=> abc | ABC | 5 | 6 | 6 | cba | Hello World-X

-- The blanks at the end of a CHAR are not there for functions, and are for the result.
SELECT len('ab'::char(5)), 'ab'::char(5) || 'c', 'ab'::char(5)
=> 2 | abc | ab   

SELECT btrim('  a b '), ltrim('  a'), rtrim('a  '), trim(both 'x' from 'xaxx'), trim(leading 'x' from 'xax'), btrim('xyaxy', 'xy')
=> a b | a | a | a | ax | a

SELECT substring('abcdef', 2), substring('abcdef', 2, 3), substring('abcdef' from 2 for 2), substr('abcdef', 0, 3), substr('abc', 10), substring('abcdef', -1, 4)
=> bcdef | bcd | bc | ab |  | ab

SELECT substring('abc', 1, -1)
=! 22011: negative substring length not allowed

SELECT left('abcdef', 2), right('abcdef', 2), left('abcdef', -2), right('abcdef', -2), left('ab', 5)
=> ab | ef | abcd | cdef | ab

SELECT charindex('l', 'hello'), strpos('hello', 'l'), position('l' in 'hello'), charindex('x', 'hello')
=> 3 | 3 | 3 | 0

SELECT replace('abcabc', 'b', 'X'), translate('abcd', 'ab', 'x'), repeat('ab', 3), replicate('a', 2), lpad('abc', 5, 'xy'), rpad('abc', 5), lpad('abc', 2)
=> aXcaXc | xcd | ababab | aa | xyabc | abc   | ab

SELECT split_part('a,b,c', ',', 2), split_part('a,b,c', ',', 9), split_part('abc', 'x', 1)
=> b |  | abc

SELECT split_part('a', ',', 0)
=! 22023: field position must be greater than zero

SELECT chr(65), ascii('A'), to_hex(255), strtol('ff', 16), strtol('0x1F', 16), strtol('-12', 8), strtol('101', 2)
=> A | 65 | ff | 255 | 31 | -10 | 5

SELECT strtol('zz', 16)
=! 22P02: The input zz is not valid to be converted to base 16

SELECT md5('abc'), func_sha1('abc'), sha2('abc', 256), crc32('abc')
=> 900150983cd24fb0d6963f7d28e17f72 | a9993e364706816aba3e25717850c26c9cd0d89d | ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad | 352441c2

SELECT quote_ident('a'), quote_ident('A b'), quote_literal('it''s')
=> a | "A b" | 'it''s'

SELECT soundex('Robert'), soundex('Rupert'), soundex('Ashcraft'), difference('Robert', 'Rupert')
=> R163 | R163 | A261 | 4

-- Every match is replaced; $1 is the first group.
SELECT regexp_replace('abcabc', 'b(c)', '<$1>'), regexp_replace('a1b22', '[0-9]+'), regexp_replace('abab', 'a', 'x', 2), regexp_replace('AbA', 'a', 'x', 1, 'i')
=> a<c>a<c> | ab | abxb | xbx

SELECT regexp_substr('abc123d4', '[0-9]+'), regexp_substr('abc', '[0-9]'), regexp_substr('a1b2', '[0-9]', 1, 2), regexp_substr('k=v', '(\\w)=(\\w)', 1, 1, 'e')
=> 123 |  | 2 | k

SELECT regexp_count('a1b22', '[0-9]'), regexp_instr('abc123', '[0-9]+'), regexp_instr('a1b2', '[0-9]', 1, 2), regexp_instr('abc', '[0-9]')
=> 3 | 4 | 4 | 0

SELECT regexp_count('abc', '(')
=! 2201B: Invalid regular expression

-- Numbers and dates are taken for texts.
SELECT len(12345), 'a' || 1 || 'b', substring(20200131, 1, 4), 'on ' || DATE '2020-01-31', concat('a', 'b')
=> 5 | a1b | 2020 | on 2020-01-31 | ab

SELECT concat('a', 'b', 'c')
=! 42883 at 8: function concat(unknown, unknown, unknown) does not exist

SELECT 'it''s', E'a\tb', 'a\\b', 'a\'b', $$it's$$
=> it's | a	b | a\b | a'b | it's

SELECT upper(NULL), 'a' || NULL, left(NULL, 1), NULL || NULL
=> NULL | NULL | NULL | NULL

SELECT lower(name), city || '.' FROM people WHERE id <= 2 ORDER BY id
=> ada | Bern.
=> bo | Bern.
