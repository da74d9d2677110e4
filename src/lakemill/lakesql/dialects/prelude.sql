-- Macros that translated statements call. A statement that must fail casts a text to a number; `errors.of_duckdb`
-- finds code and message in it. Order matters: a macro is made after those that it calls.

blanks() AS chr(32) || chr(9) || chr(10) || chr(11) || chr(12) || chr(13);
time_text(t, p) AS left(strftime(DATE '2000-01-01' + t, '%H:%M:%S.%f'), 8 + CASE WHEN p = 0 THEN 0 ELSE p + 1 END);
text_boolean(s) AS CASE WHEN s IN ('t', 'true', '1') THEN true WHEN s IN ('f', 'false', '0') THEN false END;
json_whole(j, s) AS
    CASE json_type(j) WHEN 'DOUBLE' THEN CAST(CAST(round(CAST(s AS DOUBLE)) AS BIGINT) AS VARCHAR) WHEN 'BOOLEAN'
        THEN CASE s WHEN 'true' THEN '1' ELSE '0' END ELSE s END;
json_count(j) AS
    CAST(CASE json_type(j) WHEN 'ARRAY' THEN json_array_length(j) WHEN 'OBJECT' THEN len(json_keys(j)) ELSE CASE
        WHEN j IS NOT NULL THEN 0 END END AS BIGINT);
seconds_at(s) AS {'t': CAST(make_timestamp(CAST(round(s * 1000) AS BIGINT) * 1000) AS TIMESTAMP), 'z': 'UTC'};
list_index(l, e) AS coalesce(list_position(l, e), CASE WHEN l IS NOT NULL AND e IS NOT NULL THEN 0 END);
list_but(l, e) AS CASE WHEN e IS NOT NULL THEN list_filter(l, LAMBDA e_ : e_ <> e OR e_ IS NULL) END;
wrapped(x, width) AS (x % width + width) % width;
signed(x, width) AS CASE WHEN x >= width // 2 THEN x - width ELSE x END;
url_port(s) AS
    TRY_CAST(regexp_extract(s, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?[^/?#:]*:([0-9]+)', 1) AS BIGINT);
url_path(s) AS url_decode(regexp_extract(s, '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://[^/?#]*)?([^?#]*)', 1));

-- Shared

list_text(l, s) AS CASE WHEN l IS NOT NULL THEN coalesce(array_to_string(l, s), '') END;
guard(bad, message, val) AS
    CASE WHEN CASE WHEN bad THEN CAST(message AS TINYINT) = 0 ELSE false END THEN NULL ELSE val END;

-- Floating-point numbers as Java writes them

double_exp(s) AS
    coalesce(TRY_CAST(split_part(s, 'e', 2) AS INTEGER), 0) + CASE WHEN split_part(split_part(s, 'e', 1), '.', 1) <>
        '0' THEN length(split_part(split_part(s, 'e', 1), '.', 1)) - 1 ELSE length(ltrim(split_part(split_part(s,
        'e', 1), '.', 2), '0')) - length(split_part(split_part(s, 'e', 1), '.', 2)) - 1 END;
double_digits(s) AS rtrim(ltrim(replace(split_part(s, 'e', 1), '.', ''), '0'), '0');
double_sci(x, s) AS
    CASE WHEN x < 0 THEN '-' ELSE '' END || left(double_digits(s), 1) || '.' || CASE WHEN length(double_digits(s)) >
        1 THEN substr(double_digits(s), 2) ELSE '0' END || 'E' || CAST(double_exp(s) AS VARCHAR);
java_number(x, s) AS
    CASE WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END WHEN x = 0
        THEN CASE WHEN signbit(x) THEN '-0.0' ELSE '0.0' END WHEN abs(x) >= 0.001 AND abs(x) < 10000000 THEN CASE
        WHEN x < 0 THEN '-' ELSE '' END || s ELSE double_sci(x, s) END;
java_double(x) AS java_number(x, CAST(abs(x) AS VARCHAR));
java_real(x) AS java_number(x, CAST(abs(x) AS VARCHAR));
sql_number(x, s) AS
    CASE WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END WHEN x = 0
        THEN CASE WHEN signbit(x) THEN '-0.0E0' ELSE '0.0E0' END ELSE double_sci(x, s) END;
sql_double(x) AS sql_number(x, CAST(abs(x) AS VARCHAR));
sql_real(x) AS sql_number(x, CAST(abs(x) AS VARCHAR));

-- Casts from text

text_double(s) AS
    CASE WHEN s = 'NaN' THEN CAST('nan' AS DOUBLE) WHEN s IN ('Infinity', '+Infinity') THEN CAST('inf' AS DOUBLE)
        WHEN s = '-Infinity' THEN CAST('-inf' AS DOUBLE) WHEN regexp_full_match(s,
        '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[dDfF]?') THEN TRY_CAST(rtrim(s, 'dDfF') AS DOUBLE) END;
text_date(s) AS
    CASE WHEN regexp_full_match(trim(s), '[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}') THEN TRY_CAST(trim(s) AS DATE) END;
text_timestamp(s) AS
    CASE WHEN regexp_full_match(trim(s),
        '[+-]?[0-9]{4,}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}([.][0-9]+)?)?)?') THEN
        TRY_CAST(CASE WHEN regexp_full_match(trim(s), '.* [0-9]{1,2}:[0-9]{1,2}') THEN trim(s) || ':00' ELSE trim(s)
        END AS TIMESTAMP) END;

-- Zones and times

zone_name(z) AS
    CASE WHEN z IN ('Z', 'UTC', 'GMT', 'z', '+00:00', '-00:00') THEN 'UTC' WHEN regexp_full_match(z, '[+-][0-9]{1}')
        THEN left(z, 1) || '0' || substr(z, 2) || ':00' WHEN regexp_full_match(z, '[+-][0-9]{2}') THEN z || ':00'
        WHEN regexp_full_match(z, '[+-][0-9]{4}') THEN left(z, 3) || ':' || right(z, 2) ELSE z END;
zone_minutes(z) AS
    CASE WHEN z = 'UTC' THEN 0 ELSE (CAST(substr(z, 2, 2) AS INTEGER) * 60 + CAST(substr(z, 5, 2) AS INTEGER)) *
        CASE WHEN left(z, 1) = '-' THEN -1 ELSE 1 END END;
tz_shift(t, z) AS
    CASE WHEN z = 'UTC' THEN t WHEN regexp_full_match(z, '[+-][0-9]{2}:[0-9]{2}') THEN t +
        to_minutes(zone_minutes(z)) ELSE timezone(z, timezone('UTC', t)) END;
tz_utc(t, z) AS
    CASE WHEN z = 'UTC' THEN t WHEN regexp_full_match(z, '[+-][0-9]{2}:[0-9]{2}') THEN t -
        to_minutes(zone_minutes(z)) ELSE timezone('UTC', timezone(z, t)) END;
tz_local(x) AS list_extract(list_transform([x], LAMBDA x_ : tz_shift(x_.t, x_.z)), 1);
zone_minutes_of(x) AS CAST(date_diff('minute', x.t, tz_local(x)) AS BIGINT);
tz_put(l, z) AS CASE WHEN l IS NOT NULL AND z IS NOT NULL THEN {'t': tz_utc(l, z), 'z': z} END;
tz_make(l, z) AS
    list_extract(list_transform([{'l': l, 'z': zone_name(z)}], LAMBDA p_ : tz_put(p_.l, p_.z)), 1);
tz_at(x, z) AS CASE WHEN x IS NOT NULL AND z IS NOT NULL THEN {'t': x.t, 'z': zone_name(z)} END;
zone_of(s) AS
    nullif(regexp_extract(s, '^[0-9+-][0-9-]* [0-9:.]+ ?([+-][0-9:]+|[A-Za-z_/]+[A-Za-z0-9_/+-]*)$', 1), '');
stamp_of(s) AS
    text_timestamp(regexp_extract(s, '^([0-9+-][0-9-]* [0-9:.]+) ?([+-][0-9:]+|[A-Za-z_/]+[A-Za-z0-9_/+-]*)$', 1));
text_zoned(s) AS tz_make(coalesce(text_timestamp(s), stamp_of(trim(s))),
    coalesce(zone_of(trim(s)), CASE WHEN text_timestamp(s) IS NOT NULL THEN 'UTC' END));
ts_text(t, p) AS left(strftime(t, '%Y-%m-%d %H:%M:%S.%f'), 19 + CASE WHEN p = 0 THEN 0 ELSE p + 1 END);
tz_text(x, p) AS ts_text(tz_local(x), p) || ' ' || x.z;
interval_ms(i) AS
    CAST(date_part('day', i) AS BIGINT) * 86400000 + CAST(date_part('hour', i) AS BIGINT) * 3600000 +
        CAST(date_part('minute', i) AS BIGINT) * 60000 + CAST(date_part('millisecond', i) AS BIGINT);
millis_text(m) AS
    CASE WHEN m < 0 THEN '-' ELSE '' END || CAST(abs(m) // 86400000 AS VARCHAR) || ' ' ||
        lpad(CAST(abs(m) // 3600000 % 24 AS VARCHAR), 2, '0') || ':' ||
        lpad(CAST(abs(m) // 60000 % 60 AS VARCHAR), 2, '0') || ':' ||
        lpad(CAST(abs(m) // 1000 % 60 AS VARCHAR), 2, '0') || '.' || lpad(CAST(abs(m) % 1000 AS VARCHAR), 3, '0');
interval_text(i) AS list_extract(list_transform([interval_ms(i)], LAMBDA m_ : millis_text(m_)), 1);
interval_months(i) AS CAST(date_part('year', i) AS BIGINT) * 12 + CAST(date_part('month', i) AS BIGINT);
interval_year_text(i) AS
    CASE WHEN interval_months(i) < 0 THEN '-' ELSE '' END || CAST(abs(interval_months(i)) // 12 AS VARCHAR) || '-'
        || CAST(abs(interval_months(i)) % 12 AS VARCHAR);

-- Subscripts

list_at(a, i) AS
    CASE WHEN CASE WHEN i > len(a) THEN
        CAST('│INVALID_FUNCTION_ARGUMENT│Array subscript must be less than or equal to array length: ' || i || ' > '
        || len(a) || '│' AS TINYINT) = 0 WHEN i = 0 THEN
        CAST('│INVALID_FUNCTION_ARGUMENT│SQL array indices start at 1│' AS TINYINT) = 0 WHEN i < 0 THEN
        CAST('│INVALID_FUNCTION_ARGUMENT│Array subscript is negative: ' || i || '│' AS TINYINT) = 0 ELSE false END
        THEN NULL ELSE a[i] END;
map_at(m, k) AS
    CASE WHEN CASE WHEN m IS NOT NULL AND k IS NOT NULL AND NOT list_contains(map_keys(m), k) THEN
        CAST('│INVALID_FUNCTION_ARGUMENT│Key not present in map: ' || CAST(k AS VARCHAR) || '│' AS TINYINT) = 0 ELSE
        false END THEN NULL ELSE m[k] END;
map_made(ks, vs) AS
    CASE WHEN list_unique(ks) = len(ks) THEN map(ks, vs) ELSE map(list_distinct(ks),
        list_transform(list_distinct(ks), LAMBDA k_ : vs[list_position(ks, k_)])) END;

-- Decimals

decimal_text(x) AS regexp_replace(CAST(x AS VARCHAR), '^(-?)[.]', '\10.');
half_up(n, d) AS (abs(n) * 2 + abs(d)) // (abs(d) * 2) * CASE WHEN (n < 0) = (d < 0) THEN 1 ELSE -1 END;
units_of(x, p) AS CAST(trunc(x) AS HUGEINT) * CAST(p AS HUGEINT) + CAST((x - trunc(x)) * p AS HUGEINT);
units_read(x) AS CAST(replace(CAST(x AS VARCHAR), '.', '') AS HUGEINT);

-- Strings

text_part(s, b, n) AS
    CASE WHEN s IS NULL OR b IS NULL OR n IS NULL THEN NULL WHEN b = 0 OR abs(b) > length(s) OR n <= 0 THEN '' ELSE
        substr(s, b, n) END;
text_part_hex(s, b, n) AS
    CASE WHEN s IS NULL OR b IS NULL OR n IS NULL THEN NULL WHEN b = 0 OR abs(b) > length(s) // 2 OR n <= 0 THEN ''
        ELSE substr(s, CASE WHEN b > 0 THEN b * 2 - 1 ELSE length(s) + b * 2 + 1 END, n * 2) END;
split_place(s, d, i) AS
    CASE WHEN CASE WHEN i <= 0 THEN CAST('│INVALID_FUNCTION_ARGUMENT│Index must be greater than zero│' AS TINYINT) =
        0 ELSE false END THEN NULL WHEN d = '' THEN substr(s, i, 1) ELSE string_split(s, d)[i] END;
split_all(s, d) AS
    guard(d = '', '│INVALID_FUNCTION_ARGUMENT│The delimiter may not be the empty string│', string_split(s, d));
split_limit(s, d, n) AS
    CASE WHEN CASE WHEN n <= 0 THEN CAST('│INVALID_FUNCTION_ARGUMENT│Limit must be positive│' AS TINYINT) = 0 ELSE
        false END THEN NULL WHEN len(string_split(s, d)) <= n THEN string_split(s, d) ELSE
        list_append(string_split(s, d)[1:n - 1], array_to_string(string_split(s, d)[n:], d)) END;
split_map(s, d, k) AS
    map_from_entries(list_transform(string_split(s, d), LAMBDA e_ : {'key': split_part(e_, k, 1), 'value':
        split_part(e_, k, 2)}));

-- Numbers

cube_root(x) AS CASE WHEN x = 0 OR isinf(x) THEN x ELSE cbrt(x) - (pow(cbrt(x), 3) - x) / (3 * pow(cbrt(x), 2)) END;
bits_counted(x, b) AS
    CAST(bit_count(CASE WHEN b >= 64 THEN x ELSE x & (CAST(pow(2, b) AS BIGINT) - 1) END) AS BIGINT);
base_text(x, b) AS CASE WHEN x < 0 THEN '-' ELSE '' END || lower(to_base(abs(x), CAST(b AS INTEGER)));
base_number(s, b) AS
    CASE WHEN CASE WHEN s IS NOT NULL AND NOT regexp_full_match(s, '[+-]?[0-9a-zA-Z]+') OR
        list_max(list_transform(string_split(lower(ltrim(s, '+-')), ''), LAMBDA c_ :
        strpos('0123456789abcdefghijklmnopqrstuvwxyz', c_) - 1)) >= b THEN
        CAST('│INVALID_FUNCTION_ARGUMENT│Not a valid base-' || b || ' number: ' || s || '│' AS TINYINT) = 0 ELSE
        false END THEN NULL ELSE CAST(list_reduce(list_transform(string_split(lower(ltrim(s, '+-')), ''), LAMBDA c_
        : CAST(strpos('0123456789abcdefghijklmnopqrstuvwxyz', c_) - 1 AS HUGEINT)), LAMBDA a_, c_ : a_ * b + c_) *
        CASE WHEN s LIKE '-%' THEN -1 ELSE 1 END AS BIGINT) END;
bucket_of(x, lo, hi, n) AS
    CASE WHEN lo < hi THEN CASE WHEN x < lo THEN 0 WHEN x >= hi THEN n + 1 ELSE CAST(floor((x - lo) / (hi - lo) * n)
        AS BIGINT) + 1 END ELSE CASE WHEN x > lo THEN 0 WHEN x <= hi THEN n + 1 ELSE CAST(floor((lo - x) / (lo - hi)
        * n) AS BIGINT) + 1 END END;

-- Arrays and maps

list_position_of(l, e) AS
    CASE WHEN e IS NULL THEN list_position(list_transform(l, LAMBDA n_ : n_ IS NULL), true) ELSE list_position(l, e)
        END;
list_distinct_all(l) AS list_filter(l, LAMBDA e_, i_ : list_position_of(l, e_) = i_);
list_both(a, b) AS CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE list_concat(a, b) END;
list_common(a, b) AS
    CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE list_distinct_all(list_filter(a, LAMBDA e_ :
        coalesce(list_position_of(b, e_), 0) > 0)) END;
list_without(a, b) AS
    CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE list_distinct_all(list_filter(a, LAMBDA e_ :
        coalesce(list_position_of(b, e_), 0) = 0)) END;
lists_overlap(a, b) AS
    CASE WHEN list_has_any(list_filter(a, LAMBDA e_ : e_ IS NOT NULL), list_filter(b, LAMBDA e_ : e_ IS NOT NULL))
        THEN true WHEN a IS NULL OR b IS NULL OR (len(a) > 0 AND len(b) > 0 AND (list_count(a) < len(a) OR
        list_count(b) < len(b))) THEN NULL ELSE false END;
list_holds(l, e) AS
    CASE WHEN l IS NULL OR e IS NULL THEN NULL WHEN list_contains(l, e) THEN true WHEN list_count(l) < len(l) THEN
        NULL ELSE false END;
list_cut(l, b, n) AS
    CASE WHEN CASE WHEN b = 0 THEN CAST('│INVALID_FUNCTION_ARGUMENT│SQL array indices start at 1│' AS TINYINT) = 0
        WHEN n < 0 THEN CAST('│INVALID_FUNCTION_ARGUMENT│length must be greater than or equal to 0│' AS TINYINT) = 0
        ELSE false END THEN NULL WHEN l IS NULL OR b IS NULL OR n IS NULL THEN NULL WHEN n = 0 OR abs(b) > len(l)
        THEN l[1:0] WHEN b > 0 THEN l[b:b + n - 1] ELSE l[len(l) + b + 1:len(l) + b + n] END;
list_found(l, i) AS
    CASE WHEN CASE WHEN i = 0 THEN CAST('│INVALID_FUNCTION_ARGUMENT│SQL array indices start at 1│' AS TINYINT) = 0
        ELSE false END THEN NULL ELSE l[i] END;
list_ngrams(l, n) AS
    CASE WHEN len(l) <= n THEN [l] ELSE list_transform(range(1, len(l) - n + 2), LAMBDA i_ : l[i_:i_ + n - 1]) END;
list_twice(l) AS list_filter(l, LAMBDA e_, i_ : list_position(l, e_) < i_)[1];
multimap_made(ks, vs) AS
    map(list_distinct_all(ks), list_transform(list_distinct_all(ks), LAMBDA k_ : list_transform(list_filter(range(1,
        len(ks) + 1), LAMBDA i_ : ks[i_] = k_), LAMBDA i_ : vs[i_])));
histogram_made(ks) AS
    map(list_distinct_all(ks), list_transform(list_distinct_all(ks), LAMBDA k_ : CAST(len(list_filter(ks, LAMBDA e_
        : e_ = k_)) AS BIGINT)));

-- Bytes and URLs

hex_bytes(s) AS
    CASE WHEN CASE WHEN NOT regexp_full_match(s, '([0-9a-fA-F]{2})*') THEN
        CAST('│INVALID_FUNCTION_ARGUMENT│String is not a valid hexadecimal number: ' || s || '│' AS TINYINT) = 0
        ELSE false END THEN NULL ELSE unhex(s) END;
url_right(s) AS regexp_full_match(s, '[^ <>"{}^`\\]*');
url_host(s) AS
    CASE WHEN regexp_matches(s, '^[A-Za-z][A-Za-z0-9+.-]*://') THEN nullif(regexp_extract(s,
        '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]*)', 1), '') END;
url_scheme(s) AS regexp_extract(s, '^([A-Za-z][A-Za-z0-9+.-]*):', 1);
url_fragment(s) AS url_decode(regexp_extract(s, '#(.*)$', 1));
url_query(s) AS regexp_extract(s, '^[^?#]*[?]([^#]*)', 1);
url_param(s, p) AS
    list_transform(list_filter(string_split(url_query(s), '&'), LAMBDA e_ : url_decode(replace(split_part(e_, '=',
        1), '+', ' ')) = p), LAMBDA e_ : url_decode(replace(CASE WHEN e_ LIKE '%=%' THEN substr(e_, strpos(e_, '=')
        + 1) ELSE '' END, '+', ' ')))[1];
zone_offset(x) AS
    CASE WHEN tz_local(x) >= x.t THEN '+' ELSE '-' END || lpad(CAST(abs(date_diff('minute', x.t, tz_local(x))) // 60
        AS VARCHAR), 2, '0') || ':' || lpad(CAST(abs(date_diff('minute', x.t, tz_local(x))) % 60 AS VARCHAR), 2,
        '0');

-- ISO 8601

iso_offset(x) AS CASE WHEN x.z = 'UTC' THEN 'Z' ELSE zone_offset(x) END;
iso_form(s) AS
    regexp_full_match(s,
        '[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?(T[0-9]{2}(:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?');
iso_zone(s) AS
    CASE WHEN regexp_matches(s, 'T.*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$') THEN regexp_extract(s,
        'T.*?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$', 1) ELSE 'UTC' END;
iso_day(s) AS
    CASE length(split_part(s, 'T', 1)) WHEN 4 THEN split_part(s, 'T', 1) || '-01-01' WHEN 7 THEN split_part(s, 'T',
        1) || '-01' ELSE split_part(s, 'T', 1) END;
iso_clock(s) AS
    CASE length(regexp_replace(split_part(s, 'T', 2), '(Z|[+-].*)$', '')) WHEN 0 THEN '00:00:00' WHEN 2 THEN
        left(split_part(s, 'T', 2), 2) || ':00:00' WHEN 5 THEN left(split_part(s, 'T', 2), 5) || ':00' ELSE
        replace(regexp_replace(split_part(s, 'T', 2), '(Z|[+-].*)$', ''), ',', '.') END;
iso_made(s) AS
    CASE WHEN iso_form(s) THEN tz_make(date_trunc('millisecond', TRY_CAST(iso_day(s) || ' ' || iso_clock(s) AS
        TIMESTAMP)), iso_zone(s)) END;
iso_timestamp(s) AS
    list_extract(list_transform([{'s': s, 'm': iso_made(s)}], LAMBDA p_ :
        guard(p_.s IS NOT NULL AND p_.m IS NULL, '│INVALID_FUNCTION_ARGUMENT│Invalid format: "' || p_.s || '"│',
            p_.m)), 1);
iso_date(s) AS
    CASE WHEN CASE WHEN s IS NOT NULL AND TRY_CAST(CASE WHEN regexp_full_match(s,
        '[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?') THEN iso_day(s) END AS DATE) IS NULL THEN
        CAST('│INVALID_FUNCTION_ARGUMENT│Invalid format: "' || s || '"│' AS TINYINT) = 0 ELSE false END THEN NULL
        ELSE TRY_CAST(iso_day(s) AS DATE) END;

-- JSON

json_length(s) AS CASE WHEN json_valid(s) AND json_type(s) = 'ARRAY' THEN CAST(json_array_length(s) AS BIGINT) END;
