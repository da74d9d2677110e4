"""The compiled reading of JSON records comes to what the plain one comes to."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakemill.formats.hive import NamedColumn
from lakemill.formats.jsoncolumns import ColumnReader
from lakemill.formats.jsonserde import HiveJson, OpenX, TimeOutOfRange

TYPES = [
    *("boolean", "tinyint", "int", "bigint", "float", "double", "string", "varchar(3)", "char(3)", "binary"),
    *("date", "timestamp", "decimal(6,2)", "array<int>", "map<string,double>", "struct<a:int,b:timestamp>"),
]
COLUMNS = [NamedColumn(f"c.{place}" if place % 5 == 4 else f"c{place}", type) for place, type in enumerate(TYPES)]
SERDES = [
    OpenX(),
    OpenX(case_insensitive=False, dots_to_underscores=True, keys={"c2": "Other", "c3": "a.b"}),
    HiveJson(),
    HiveJson(["yyyyMMdd", "millis"]),
]
READERS = [
    [ColumnReader(COLUMNS, serde, unit, compiled=compiled) for compiled in (True, False)]
    for serde in SERDES
    for unit in ("ns", "us")
]
TEXTS = [
    *('"2024-02-29"', '"2024-02-30"', '"2024-2-9 1:02:03"', '"2024-02-29 01:02:03.25"', '"2024-02-29T01:02:03Z"'),
    *('"2024-02-29T01:02:03.123456789+05:30"', '"9999-12-31 00:00:00"', '"0001-01-01 00:00:00.5"', "1518033528"),
    *("1518033528123", "1518033528.5", "-1.25", "-0", "0.0", "01", "-", "1.", "1e5", "1E+400", "5.0", "5.5", "-128"),
    *("128", "2147483648", "-9223372036854775808", "9223372036854775808", "123456789012345678901234567890"),
    *("0.1", "0.30000000000000004", "123456.785", "9999.995", "2.2250738585072014e-308", "1.7976931348623157e308"),
    *('"12"', '"+7"', '"-3"', '"0x1F"', '" 4"', '"NaN"', '"1e2"', '"true"', '"FALSE"', "true", "false", "null"),
    *('"x"', '"abcdef"', '"ab  "', '"é漢😀"', r'"a\n\"\\\/\u00e9\ud83d\ude00\b\f\r\t"', r'"\ud800"', r'"\udc00x"'),
    *("[]", "[1,null,2]", '["1"]', "[1.5]", "{}", '{"A":1,"b":"2024-02-29 00:00:00"}', '{"k":1.5,"k":null}'),
    *('{"a":{"b":[1,2,{"c":null}]}}', "[1,]", '{"a"}', '{"a":1,}', "tru", "nul", "NaN", "Infinity", '"\x01"', '"open'),
    *("1518033528123456", "99999999999", "4102444800000.25", '"1518033528"', '"20240229"', "20240229", "1" * 30),
]
KEYS = [column.name for column in COLUMNS] + [
    *("C1", "C12", "Other", "other", "a.b", "a_b", "zz", "c_4", "", "é", "K\u0130", r"c\u0031", 'q"'),
]


def quoted(key):
    return '"' + key.replace('"', r"\"") + '"'


blanks = st.sampled_from(["", "", "", " ", "\n", "\t \r\n"])
values = st.one_of(
    st.sampled_from(TEXTS),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text(max_size=12).map(json.dumps),
    st.text(max_size=12).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.recursive(st.integers(), lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=2), one)).map(
        json.dumps
    ),
)


@st.composite
def objects(draw):
    pairs = draw(st.lists(st.tuples(st.sampled_from(KEYS), values), max_size=6))
    b = [draw(blanks) for _ in range(3)]
    return "{" + b[0] + f"{b[1]},{b[2]}".join(f"{quoted(k)}{b[0]}:{b[1]}{v}" for k, v in pairs) + b[2] + "}"


@st.composite
def records(draw):
    text = draw(blanks).join([draw(blanks), *draw(st.lists(objects(), max_size=3)), draw(blanks)])
    text += draw(st.sampled_from([""] * 8 + ["x", ",", "[{}]", "{", "1", "}"]))
    return text.encode("utf-8", "surrogatepass") + draw(st.sampled_from([b""] * 9 + [b"\xff"]))


def same(one, other):
    """Equal columns; NaN equals NaN, and 0.0 is not -0.0."""
    for name in one.schema.names:
        left, right = one[name].combine_chunks(), other[name].combine_chunks()
        if pa.types.is_floating(left.type):
            assert left.is_null().equals(right.is_null())
            bits = np.int32 if left.type == pa.float32() else np.int64
            left, right = (np.asarray(a.fill_null(0).to_numpy(zero_copy_only=False)).view(bits) for a in (left, right))
            np.testing.assert_array_equal(left, right)
        else:
            assert left.equals(right), name


def read(reader, given):
    try:
        return reader.read(given)
    except TimeOutOfRange:
        return None


@given(given_records=st.lists(records(), max_size=8), which=st.integers(0, len(READERS) - 1))
@settings(max_examples=150, deadline=None)
def test_both_ways_of_reading_agree(given_records, which):
    quick, plain = (read(reader, given_records) for reader in READERS[which])
    assert (quick is None) == (plain is None)
    if quick is None:
        return
    quick[0].validate(full=True)
    same(quick[0], plain[0])
    assert sorted(quick[1], key=lambda f: f.index) == plain[1]


@pytest.mark.parametrize("which", range(len(READERS)))
def test_both_ways_agree_on_every_value_in_every_column(which):
    given_records = [f"{{{quoted(key)}:{value}}}".encode("utf-8", "surrogatepass") for key in KEYS for value in TEXTS]
    quick, plain = READERS[which]
    if read(plain, given_records) is None:
        given_records = [one for one in given_records if read(plain, [one]) is not None]
    (one, failed), (other, also) = quick.read(given_records), plain.read(given_records)
    same(one, other)
    assert sorted(failed, key=lambda f: f.index) == also
    assert also and other.num_rows > 500


def test_most_usual_records_need_no_interpreter():
    columns = [NamedColumn("a", "int"), NamedColumn("b", "string"), NamedColumn("t", "timestamp")]
    reader = ColumnReader(columns, OpenX(), compiled=True)
    lines = [
        b'{"a": 1, "b": "x\\ty", "t": "2024-01-01T00:00:00Z", "more": {"z": [1, 2, {"y": null}]}}\n',
        b'{"b":"\xc3\xa9","A":"12","t":1518033528123}{"a":-3,"t":1518033528.25}',
    ]
    reader._slow.rows = None  # It must not be asked.
    table, failures = reader.read(lines * 500)
    assert not failures
    assert table["a"].to_pylist()[:3] == [1, 12, -3]
    assert table["b"].to_pylist()[:3] == ["x\ty", "é", None]


def test_one_record_may_hold_very_many_objects():
    reader = ColumnReader([NamedColumn("a", "int")], OpenX(), compiled=True)
    table, failures = reader.read([b'{"a":1}', b"{}" * 5000 + b'{"a":2}', b'{"a":3}'])
    assert not failures
    assert table["a"].to_pylist() == [1, *[None] * 5000, 2, 3]


def test_rows_keep_their_order_where_both_ways_are_used():
    reader = ColumnReader([NamedColumn("a", "int")], OpenX(), compiled=True)
    table, failures = reader.read([b'{"a":1}', b'{"a":"+2"}', b"bad", b'{"a":3}{"a":"0x4"}', b'{"a":5}'])
    assert table["a"].to_pylist() == [1, 2, 3, 4, 5]
    assert [failure.index for failure in failures] == [2]


def test_a_reader_reads_on_after_a_time_out_of_range():
    reader = ColumnReader(
        [NamedColumn("d", "decimal(6,2)"), NamedColumn("t", "timestamp")], HiveJson(["millis"]), compiled=True
    )
    with pytest.raises(TimeOutOfRange):
        reader.read([b'{"d": 1.5, "t": "99999999999999999"}'])
    table, failures = reader.read([b'{"t": "1518033528123"}'])
    assert not failures
    assert table["d"].to_pylist() == [None]


class Given:
    """Blocks of records, to be gone through again and again."""

    def __init__(self, *blocks):
        self.blocks = [pa.array(one, pa.binary()) for one in blocks]
        self.nbytes = sum(one.nbytes for one in self.blocks)

    def __iter__(self):
        return iter(self.blocks)


@pytest.mark.parametrize("compiled", [True, False])
def test_blocks_of_records_are_read_like_all_at_once(compiled):
    blocks = [
        [b'{"c2":%d}' % n for n in range(700)] + [b"x"],
        [],
        [b'{"c2":1}{"c2":2}', b'{"c2":"y"}', b'{"c2":"\\ud800"}'],
    ]
    reader = ColumnReader(COLUMNS, OpenX(), compiled=compiled)
    whole, failures = reader.read([record for block in blocks for record in block])
    table, found = reader.read(Given(*blocks))
    assert (table.to_pylist(), found) == (whole.to_pylist(), failures)
    assert [one.index for one in found] == [700, 702, 703]
