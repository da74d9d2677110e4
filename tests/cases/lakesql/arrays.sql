SELECT ARRAY[1, 2, 3][1], ARRAY['a', 'b'][2], ARRAY[ARRAY[1], ARRAY[2, 3]][2][1]
=> 1 | b | 2

SELECT ARRAY[1, 2][3]
=! INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: 3 > 2

SELECT ARRAY[1, 2][0]
=! INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1

SELECT ARRAY[1, 2][-1]
=! INVALID_FUNCTION_ARGUMENT: Array subscript is negative: -1

SELECT TRY(ARRAY[1, 2][3]), element_at(ARRAY[1, 2], 3), element_at(ARRAY[1, 2], -1), element_at(ARRAY[1, 2], 1)
=> NULL | NULL | 2 | 1

SELECT element_at(ARRAY[1], 0)
=! INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1

SELECT ARRAY[1, 'a']
=! TYPE_MISMATCH: line 1:17: All ARRAY elements must be the same type

SELECT ARRAY[1, 2.5, NULL], ARRAY[], cardinality(ARRAY[1, NULL]), cardinality(ARRAY[])
=> [1.0, 2.5, null] | [] | 2 | 0

SELECT transform(ARRAY[1, 2], x -> x * 2), filter(ARRAY[1, NULL, 3], x -> x > 1), filter(ARRAY[1, 2], x -> false)
=> [2, 4] | [3] | []

SELECT reduce(ARRAY[5, 20, 50], 0, (s, x) -> s + x, s -> s), reduce(ARRAY[5, 6], 0, (s, x) -> s + x, s -> s * 10), reduce(ARRAY[], 7, (s, x) -> s, s -> s)
=> 75 | 110 | 7

SELECT reduce(ARRAY['a', 'b'], '', (s, x) -> s || x, s -> upper(s)), reduce(ARRAY[1, 2], 0e0, (s, x) -> s + x, s -> s / 2)
=> AB | 1.5

SELECT reduce(ARRAY[5, 6, 10, 20], CAST(ROW(0.0, 0) AS row(sum double, count integer)), (s, x) -> CAST(ROW(x + s.sum, s.count + 1) AS row(sum double, count integer)), s -> if(s.count = 0, NULL, s.sum / s.count))
=> 10.25

SELECT any_match(ARRAY[1, 2], x -> x > 1), all_match(ARRAY[1, 2], x -> x > 1), none_match(ARRAY[1, 2], x -> x > 5), any_match(ARRAY[1, NULL], x -> x > 5), all_match(ARRAY[], x -> false)
=> true | false | true | NULL | true

SELECT zip(ARRAY[1, 2], ARRAY['a', 'b', 'c']), zip_with(ARRAY[1, 2], ARRAY[10, 20], (x, y) -> x + y)
=> [{field0=1, field1=a}, {field0=2, field1=b}, {field0=null, field1=c}] | [11, 22]

SELECT array_distinct(ARRAY[3, 1, 3, NULL, NULL]), array_union(ARRAY[1, 2], ARRAY[2, 3]), array_intersect(ARRAY[3, 2, 2], ARRAY[2, 3]), array_except(ARRAY[1, 2, 2], ARRAY[1])
=> [3, 1, null] | [1, 2, 3] | [3, 2] | [2]

SELECT array_sort(ARRAY[3, NULL, 1]), array_max(ARRAY[1, 3, 2]), array_min(ARRAY[1, 3, 2]), array_max(ARRAY[1, NULL])
=> [1, 3, null] | 3 | 1 | NULL

SELECT array_join(ARRAY[1, NULL, 3], ','), array_join(ARRAY[1, NULL, 3], ',', '?'), array_join(ARRAY[], ',')
=> 1,3 | 1,?,3 | 

SELECT array_position(ARRAY['a', 'b'], 'b'), array_position(ARRAY['a'], 'z'), array_remove(ARRAY[1, 2, 1, NULL], 1)
=> 2 | 0 | [2, null]

SELECT contains(ARRAY[1, 2], 2), contains(ARRAY[1, 2], 3), contains(ARRAY[1, NULL], 3), contains(ARRAY[1], NULL)
=> true | false | NULL | NULL

SELECT arrays_overlap(ARRAY[1, 2], ARRAY[2]), arrays_overlap(ARRAY[1], ARRAY[2]), arrays_overlap(ARRAY[1, NULL], ARRAY[2])
=> true | false | NULL

SELECT flatten(ARRAY[ARRAY[1, 2], ARRAY[3]]), slice(ARRAY[1, 2, 3, 4], 2, 2), slice(ARRAY[1, 2, 3, 4], -2, 2), slice(ARRAY[1, 2], 5, 1), slice(ARRAY[1, 2, 3], 2, 10)
=> [1, 2, 3] | [2, 3] | [3, 4] | [] | [2, 3]

SELECT slice(ARRAY[1], 0, 1)
=! INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1

SELECT sequence(1, 4), sequence(4, 1), sequence(1, 10, 4), sequence(5, 1, -2)
=> [1, 2, 3, 4] | [4, 3, 2, 1] | [1, 5, 9] | [5, 3, 1]

SELECT sequence(1, 5, -1)
=! INVALID_FUNCTION_ARGUMENT: sequence stop value should be greater than or equal to start value if step is greater than zero

SELECT sequence(1, 100000)
=! INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries

SELECT sequence(DATE '2020-01-30', DATE '2020-02-01'), sequence(DATE '2020-01-01', DATE '2020-03-01', INTERVAL '1' MONTH)
=: array(date), array(date)
=> [2020-01-30, 2020-01-31, 2020-02-01] | [2020-01-01, 2020-02-01, 2020-03-01]

SELECT repeat('a', 3), reverse(ARRAY[1, 2, 3]), ARRAY[1] || ARRAY[2], ARRAY[1] || 2, 0 || ARRAY[1], concat(ARRAY[1], ARRAY[2], ARRAY[3])
=> [a, a, a] | [3, 2, 1] | [1, 2] | [1, 2] | [0, 1] | [1, 2, 3]

SELECT ngrams(ARRAY['a', 'b', 'c'], 2), trim_array(ARRAY[1, 2, 3], 1)
=> [[a, b], [b, c]] | [1, 2]

SELECT transform(ARRAY[1, 2], x -> transform(ARRAY[10, 20], y -> x + y))
=> [[11, 21], [12, 22]]

SELECT id, transform(items, i -> i || CAST(id AS varchar)) FROM orders WHERE id < 12 ORDER BY id
=> 10 | [pen10, ink10]
=> 11 | [pen11]

SELECT transform(ARRAY[1], (x, y) -> x)
=! INVALID_ARGUMENTS: line 1:29: Expected a lambda that takes 1 argument(s) but got 2

SELECT ARRAY[1, 2] = ARRAY[1, 2], ARRAY[1, 2] <> ARRAY[2, 1], ARRAY[1, 2] < ARRAY[1, 3]
=> true | true | true

SELECT 1[1]
=! TYPE_MISMATCH: line 1:8: Cannot use integer for subscript of integer

SELECT array_sort(ARRAY[3, 1], (x, y) -> 1)
=! NOT_SUPPORTED: line 1:8: array_sort with a comparator is not supported
