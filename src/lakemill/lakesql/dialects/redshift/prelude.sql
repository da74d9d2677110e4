-- Macros that translated statements of Redshift call, made after those of the shared prelude.
-- Order matters: a macro is made after those that it calls.

bytes_left(s, n) AS
    CASE WHEN strlen(s) <= n THEN s WHEN strlen(s) = length(s) THEN left(s, n) ELSE
        left(s, CAST(list_max(list_filter(range(0, n + 1), LAMBDA k_ : strlen(left(s, k_)) <= n)) AS BIGINT)) END;
float_text(x) AS
    CASE WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
        ELSE regexp_replace(regexp_replace(CAST(x AS VARCHAR), 'e([0-9])', 'e+\1'), '[.]0($|e)', '\1') END;
text_float(s) AS
    CASE WHEN lower(s) = 'nan' THEN CAST('nan' AS DOUBLE) WHEN lower(s) IN ('infinity', 'inf') THEN CAST('inf' AS DOUBLE)
        WHEN lower(s) IN ('-infinity', '-inf') THEN CAST('-inf' AS DOUBLE) WHEN regexp_full_match(s,
        '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?') THEN TRY_CAST(s AS DOUBLE) END;
text_bool(s) AS
    CASE WHEN s IN ('t', 'true', 'y', 'yes', '1') THEN true WHEN s IN ('f', 'false', 'n', 'no', '0') THEN false END;
text_zoneless(s) AS
    regexp_replace(s, '(:[0-9]{2}([.][0-9]+)?) ?([+-][0-9]{1,2}(:?[0-9]{2})?|Z|UTC|[A-Z][a-z]+/[A-Za-z_]+)$', '\1');
text_moment_plain(s) AS
    coalesce(TRY_CAST(CASE WHEN NOT regexp_full_match(s, '[0-9]{8}') THEN text_zoneless(s) END AS TIMESTAMP),
        try_strptime(s, ['%Y%m%d', '%Y/%m/%d', '%Y/%m/%d %H:%M:%S', '%m/%d/%Y', '%m/%d/%Y %H:%M:%S', '%m-%d-%Y',
        '%b %d, %Y', '%b %d %Y', '%B %d, %Y', '%B %d %Y', '%d %b %Y', '%d-%b-%Y', '%d %B %Y', '%Y-%b-%d',
        '%Y-%m-%d %H:%M', '%Y-%m-%dT%H:%M', '%Y%m%d %H%M%S', '%b %d %Y %H:%M:%S', '%b %d, %Y %H:%M:%S',
        '%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %I:%M %p', '%Y%m%d %H:%M:%S']));
text_stamp(s) AS
    CASE WHEN regexp_matches(s, '^[A-Za-z0-9]') AND regexp_matches(s, '[0-9]') THEN text_moment_plain(s) END;
text_day(s) AS CAST(text_stamp(s) AS DATE);
text_moment(s) AS
    coalesce(CASE WHEN regexp_matches(s, '([+-][0-9]{1,2}(:?[0-9]{2})?|Z|[A-Za-z/_]+)$') AND regexp_matches(s, ':') THEN
        TRY_CAST(regexp_replace(s, '( [0-9]{1,2}:[0-9]{2})( ?[^0-9:. ].*)$', '\1:00\2') AS TIMESTAMP WITH TIME ZONE) END, CAST(text_stamp(s) AS TIMESTAMP WITH TIME ZONE));
text_time(s) AS
    CASE WHEN regexp_full_match(s, '[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?') THEN
        TRY_CAST(CASE WHEN length(s) - length(replace(s, ':', '')) = 1 THEN s || ':00' ELSE s END AS TIME) END;
zone_known(z) AS
    CASE WHEN upper(z) IN ('UTC', 'GMT', 'Z') THEN 'UTC' WHEN upper(z) = 'EST' THEN 'EST' WHEN upper(z) = 'PST' THEN
        'Etc/GMT+8' WHEN upper(z) = 'PDT' THEN 'Etc/GMT+7' WHEN upper(z) = 'EDT' THEN 'Etc/GMT+4' WHEN upper(z) = 'CET'
        THEN 'Etc/GMT-1' WHEN upper(z) = 'MST' THEN 'Etc/GMT+7' WHEN upper(z) = 'CST' THEN 'Etc/GMT+6' WHEN
        upper(z) = 'JST' THEN 'Etc/GMT-9' WHEN upper(z) = 'CEST' THEN 'Etc/GMT-2' ELSE z END;

-- Strings

text_from(s, b) AS CASE WHEN b IS NOT NULL THEN substr(s, greatest(b, 1)) END;
text_between(s, b, n) AS
    CASE WHEN n < 0 THEN CASE WHEN CAST('│22011│negative substring length not allowed│' AS TINYINT) = 0 THEN '' END
        WHEN s IS NULL OR b IS NULL OR n IS NULL THEN NULL WHEN b + n <= 1 THEN ''
        ELSE substr(s, greatest(b, 1), n - (greatest(b, 1) - b)) END;
text_left(s, n) AS CASE WHEN n >= 0 THEN left(s, n) WHEN length(s) + n > 0 THEN left(s, length(s) + n) ELSE
    CASE WHEN s IS NOT NULL AND n IS NOT NULL THEN '' END END;
text_right(s, n) AS CASE WHEN n = 0 THEN CASE WHEN s IS NOT NULL THEN '' END WHEN n > 0 THEN right(s, n) ELSE
    substr(s, 1 - n) END;
text_lpad(s, n, f) AS
    CASE WHEN n <= 0 THEN CASE WHEN s IS NOT NULL AND f IS NOT NULL THEN '' END WHEN f = '' THEN left(s, n) ELSE
        lpad(s, n, f) END;
text_rpad(s, n, f) AS
    CASE WHEN n <= 0 THEN CASE WHEN s IS NOT NULL AND f IS NOT NULL THEN '' END WHEN f = '' THEN left(s, n) ELSE
        rpad(s, n, f) END;
text_part_at(s, d, i) AS
    CASE WHEN i <= 0 THEN CASE WHEN CAST('│22023│field position must be greater than zero│' AS TINYINT) = 0 THEN '' END
        WHEN s IS NULL OR d IS NULL OR i IS NULL THEN NULL WHEN d = '' THEN CASE WHEN i = 1 THEN s ELSE '' END
        ELSE split_part(s, d, i) END;
text_initcap(s) AS
    array_to_string(list_transform(regexp_extract_all(s, '[\pL\pN]+|[^\pL\pN]+'), LAMBDA w_ : upper(left(w_, 1)) ||
        lower(substr(w_, 2))), '');
text_quote_ident(s) AS
    CASE WHEN regexp_full_match(s, '[a-z_][a-z0-9_$]*') THEN s ELSE '"' || replace(s, '"', '""') || '"' END;
text_quote_literal(s) AS '''' || replace(replace(s, '\', '\\'), '''', '''''') || '''';
regexp_flags(p, f) AS CASE WHEN contains(f, 'i') THEN '(?i)' ELSE '' END || p;
regexp_counted(s, p, b, f) AS CAST(len(regexp_extract_all(substr(s, b), regexp_flags(p, f))) AS INTEGER);
regexp_rest(s, p, b, n) AS list_extract(regexp_extract_all(substr(s, b), p), n);
regexp_part(s, p, b, n) AS
    CASE WHEN s IS NULL OR p IS NULL OR b IS NULL OR n IS NULL THEN NULL ELSE coalesce(regexp_rest(s, p, b, n), '') END;
regexp_split_before(s, p, n) AS
    list_sum(list_transform(regexp_split_to_array(s, p)[1:n], LAMBDA x_ : length(x_))) +
        coalesce(list_sum(list_transform(regexp_extract_all(s, p)[1:n - 1], LAMBDA x_ : length(x_))), 0);
regexp_place(s, p, b, n, o) AS
    CASE WHEN s IS NULL OR p IS NULL THEN NULL WHEN coalesce(len(regexp_extract_all(substr(s, b), p)), 0) < n THEN 0
        ELSE CAST(b + regexp_split_before(substr(s, b), p, n) + CASE WHEN o = 1 THEN
        length(regexp_rest(s, p, b, n)) ELSE 0 END AS INTEGER) END;
soundex_digit(c) AS
    CASE WHEN c IN ('B', 'F', 'P', 'V') THEN '1' WHEN c IN ('C', 'G', 'J', 'K', 'Q', 'S', 'X', 'Z') THEN '2' WHEN c IN
        ('D', 'T') THEN '3' WHEN c = 'L' THEN '4' WHEN c IN ('M', 'N') THEN '5' WHEN c = 'R' THEN '6' WHEN c IN ('H',
        'W') THEN '-' ELSE '0' END;
soundex_codes(s) AS
    replace(array_to_string(list_transform(regexp_extract_all(s, '[A-Z]'), LAMBDA c_ : soundex_digit(c_)), ''), '-', '');
soundex_single(s) AS
    regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(s, '1+', '1', 'g'), '2+',
        '2', 'g'), '3+', '3', 'g'), '4+', '4', 'g'), '5+', '5', 'g'), '6+', '6', 'g');
text_soundex(s) AS
    CASE WHEN s IS NULL THEN NULL WHEN NOT regexp_matches(s, '[A-Za-z]') THEN '' ELSE left(regexp_extract(upper(s),
        '[A-Z]') || replace(substr(soundex_single(soundex_codes(upper(s))), CASE WHEN
        soundex_digit(regexp_extract(upper(s), '[A-Z]')) = '-' THEN 1 ELSE 2 END), '0', '') || '000', 4) END;
text_difference(a, b) AS
    CAST(list_sum(list_transform(range(1, 5), LAMBDA i_ : CASE WHEN substr(text_soundex(a), i_, 1) =
        substr(text_soundex(b), i_, 1) THEN 1 ELSE 0 END)) AS INTEGER);
number_at(s, b) AS
    list_reduce(list_prepend(CAST(0 AS HUGEINT), list_transform(string_split(lower(s), ''), LAMBDA c_ :
        CAST(strpos('0123456789abcdefghijklmnopqrstuvwxyz', c_) - 1 AS HUGEINT))), LAMBDA x_, y_ : x_ * b + y_);
text_number_plain(s, b) AS
    CASE WHEN s = '' OR list_max(list_transform(string_split(lower(s), ''), LAMBDA c_ : CASE WHEN
        strpos('0123456789abcdefghijklmnopqrstuvwxyz', c_) BETWEEN 1 AND b THEN 0 ELSE 1 END)) = 1 THEN
        CASE WHEN CAST('│22P02│The input ' || s || ' is not valid to be converted to base ' || b || '│' AS TINYINT) = 0
        THEN 0 END ELSE CAST(number_at(s, b) AS BIGINT) END;
text_number(s, b) AS
    CASE WHEN left(trim(s), 1) = '-' THEN -text_number_plain(substr(trim(s), 2), b) WHEN b = 16 AND
        starts_with(lower(trim(s)), '0x') THEN text_number_plain(substr(trim(s), 3), b) ELSE
        text_number_plain(trim(s), b) END;
text_bytes(s, f) AS CASE WHEN f IN ('hex') THEN unhex(s) WHEN f = 'base64' THEN from_base64(s) ELSE encode(s) END;
bytes_text(s, f) AS
    CASE WHEN f IN ('hex') THEN lower(hex(s)) WHEN f = 'base64' THEN to_base64(s) ELSE decode(s) END;
text_crc32(s) AS digest(s, 32);
text_sha2(s, b) AS CASE WHEN b = 256 THEN sha256(s) ELSE digest(s, CAST(b AS INTEGER)) END;

-- Numbers

number_rounded(x, s) AS round(x, s);
number_shown(x, s) AS
    CASE WHEN s = 0 THEN CAST(CAST(abs(round(x, 0)) AS DECIMAL(38,0)) AS VARCHAR) ELSE
        CAST(CAST(round(abs(x), s) AS DECIMAL(38,10)) AS VARCHAR) END;
number_whole(x, s) AS split_part(number_shown(x, s), '.', 1);
number_fraction(x, s) AS left(split_part(number_shown(x, s), '.', 2), s);
ordinal_end(s) AS
    CASE WHEN regexp_matches(s, '1[0-9]$') THEN 'th' WHEN right(s, 1) = '1' THEN 'st' WHEN right(s, 1) = '2' THEN 'nd'
        WHEN right(s, 1) = '3' THEN 'rd' ELSE 'th' END;
ordinal_text(s, up) AS
    s || CASE WHEN up THEN upper(ordinal_end(s)) ELSE ordinal_end(s) END;
months_of(i) AS date_part('year', i) * 12 + date_part('month', i);
days_of(i) AS date_part('day', i);
micros_of(i) AS (date_part('hour', i) * 60 + date_part('minute', i)) * 60000000 + date_part('microsecond', i);
interval_times(i, f) AS
    to_months(CAST(trunc(months_of(i) * f) AS INTEGER)) + to_days(CAST(trunc(days_of(i) * f + (months_of(i) * f -
        trunc(months_of(i) * f)) * 30) AS INTEGER)) + to_microseconds(CAST(micros_of(i) * f + (days_of(i) * f -
        trunc(days_of(i) * f)) * 86400000000 AS BIGINT));

-- Dates

day_number(w) AS
    CASE WHEN w IN ('su', 'sun', 'sunday') THEN 0 WHEN w IN ('m', 'mo', 'mon', 'monday') THEN 1 WHEN w IN ('tu', 'tue',
        'tues', 'tuesday') THEN 2 WHEN w IN ('w', 'we', 'wed', 'wednesday') THEN 3 WHEN w IN ('th', 'thu', 'thurs',
        'thursday') THEN 4 WHEN w IN ('f', 'fr', 'fri', 'friday') THEN 5 WHEN w IN ('sa', 'sat', 'saturday') THEN 6 END;
day_next(d, w) AS
    CASE WHEN day_number(w) IS NULL AND w IS NOT NULL THEN
        CASE WHEN CAST('│22023│Day of week ' || w || ' is invalid│' AS TINYINT) = 0 THEN d END
        ELSE CAST(d + CAST((day_number(w) - dayofweek(d) + 6) % 7 + 1 AS INTEGER) AS DATE) END;
months_later(t, n) AS
    CASE WHEN CAST(t AS DATE) = last_day(t) THEN last_day(CAST(t AS TIMESTAMP) + to_months(n)) + (t -
        date_trunc('day', t)) ELSE t + to_months(n) END;
months_apart(a, b) AS
    CASE WHEN day(a) = day(b) OR (CAST(a AS DATE) = last_day(a) AND CAST(b AS DATE) = last_day(b)) THEN
        CAST((year(a) - year(b)) * 12 + month(a) - month(b) AS DOUBLE) ELSE (year(a) - year(b)) * 12 + month(a) -
        month(b) + ((day(a) - day(b)) + (epoch(CAST(a AS TIME)) - epoch(CAST(b AS TIME))) / CAST(86400 AS DOUBLE)) /
        CAST(31 AS DOUBLE) END;

-- SUPER

super_text(j) AS
    CASE WHEN json_type(j) = 'NULL' THEN NULL WHEN json_type(j) IN ('ARRAY', 'OBJECT') THEN CAST(j AS VARCHAR) ELSE
        json_extract_string(j, '$') END;
super_type(j) AS
    CASE json_type(j) WHEN 'ARRAY' THEN 'array' WHEN 'OBJECT' THEN 'object' WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN'
        THEN 'boolean' WHEN 'NULL' THEN 'null' ELSE CASE WHEN j IS NOT NULL THEN 'number' END END;
super_number(j) AS CASE WHEN super_type(j) = 'number' THEN TRY_CAST(json_extract_string(j, '$') AS DOUBLE) END;
super_string(j) AS CASE WHEN json_type(j) = 'VARCHAR' THEN json_extract_string(j, '$') END;
super_boolean(j) AS CASE WHEN json_type(j) = 'BOOLEAN' THEN json_extract_string(j, '$') = 'true' END;
super_items(j) AS json_extract(j, '$[*]');
super_part(j, b, n) AS
    CASE WHEN json_type(j) = 'ARRAY' THEN CAST(to_json(list_slice(super_items(j), b + 1, CAST(b AS BIGINT) + n)) AS
        JSON) END;
super_joined(a, b) AS
    CASE WHEN json_type(a) = 'ARRAY' AND json_type(b) = 'ARRAY' THEN CAST(to_json(list_concat(super_items(a),
        super_items(b))) AS JSON) END;
super_flat(j) AS
    CASE WHEN json_type(j) = 'ARRAY' THEN CAST(to_json(flatten(list_transform(super_items(j), LAMBDA e_ : CASE WHEN
        json_type(e_) = 'ARRAY' THEN super_items(e_) ELSE [e_] END))) AS JSON) END;
pg_format_type(o, m) AS
    CASE o WHEN 16 THEN 'boolean' WHEN 20 THEN 'bigint' WHEN 21 THEN 'smallint' WHEN 23 THEN 'integer' WHEN 700 THEN
        'real' WHEN 701 THEN 'double precision' WHEN 1042 THEN 'character' || CASE WHEN m >= 4 THEN '(' || (m - 4) || ')'
        ELSE '' END WHEN 1043 THEN 'character varying' || CASE WHEN m >= 4 THEN '(' || (m - 4) || ')' ELSE '' END WHEN
        1082 THEN 'date' WHEN 1083 THEN 'time without time zone' WHEN 1114 THEN 'timestamp without time zone' WHEN 1184
        THEN 'timestamp with time zone' WHEN 1186 THEN 'interval' WHEN 1266 THEN 'time with time zone' WHEN 1700 THEN
        'numeric' || CASE WHEN m >= 4 THEN '(' || ((m - 4) >> 16) || ',' || ((m - 4) & 65535) || ')' ELSE '' END WHEN
        4000 THEN 'super' WHEN 6551 THEN 'binary varying' WHEN 25 THEN 'text' WHEN 19 THEN 'name' WHEN 26 THEN 'oid'
        ELSE '???' END;
