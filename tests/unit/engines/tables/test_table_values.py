"""Values in their one form, their sizes, and keys in the order of values."""

import decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakemill.engines.tables.errors import ValueInvalid
from lakemill.engines.tables.order import BEYOND, END, comparison, ordered, place, segment, whole
from lakemill.engines.tables.values import add, canonical, compare, item_size, number, text_of


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("1", "1"),
        ("01.500", "1.5"),
        ("-0", "0"),
        ("+5", "5"),
        (" 7 ", "7"),
        ("1e2", "100"),
        ("-1.20E+3", "-1200"),
        ("1E-3", "0.001"),
        (".5", "0.5"),
        ("5.", "5"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("1e125", "1" + "0" * 125),
    ],
)
def test_numbers_have_one_form(given_, kept):
    assert canonical({"N": given_}) == {"N": kept}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        ("abc", "The parameter cannot be converted to a numeric value: abc"),
        ("NaN", "cannot be converted"),
        ("1_000", "cannot be converted"),
        ("0x10", "cannot be converted"),
        ("1e126", "Number overflow"),
        ("1e-131", "Number underflow"),
        ("1e999999999", "Number overflow"),
        ("123456789012345678901234567890123456789", "more than 38 significant digits"),
    ],
)
def test_what_is_no_number_is_refused(text, message):
    with pytest.raises(ValueInvalid) as caught:
        canonical({"N": text})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "Supplied AttributeValue is empty"),
        ({"S": "a", "N": "1"}, "more than one datatypes set"),
        ({"SS": []}, "An string set  may not be empty"),
        ({"NS": []}, "An number set  may not be empty"),
        ({"SS": ["a", "a"]}, "Input collection [a, a] contains duplicates."),
        ({"NS": ["1", "1.0"]}, "contains duplicates"),
        ({"NULL": False}, "Null attribute value types must have the value of true"),
        ({"L": [{"M": {"x": {"N": "one"}}}]}, "cannot be converted"),
    ],
)
def test_values_that_cannot_be_kept_are_refused(value, message):
    with pytest.raises(ValueInvalid) as caught:
        canonical(value)
    assert message in str(caught.value)


def test_nesting_has_a_limit():
    value = {"S": "x"}
    for _ in range(32):
        value = {"L": [value]}
    assert canonical(value) == value
    with pytest.raises(ValueInvalid, match="Nesting Levels"):
        canonical({"L": [value]})


def test_sets_are_equal_in_any_order():
    assert canonical({"NS": ["10", "9.0"]}) == canonical({"NS": ["9", "1e1"]}) == {"NS": ["9", "10"]}
    assert canonical({"BS": [b"b", b"a"]}) == {"BS": [b"a", b"b"]}


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"a": {"S": "héé"}}, 1 + 5),
        ({"ab": {"B": b"123"}}, 2 + 3),
        ({"n": {"N": "123"}}, 1 + 3),
        ({"n": {"N": "-100"}}, 1 + 3),
        ({"f": {"BOOL": True}, "z": {"NULL": True}}, 4),
        ({"s": {"SS": ["ab", "c"]}}, 1 + 3),
        ({"l": {"L": [{"S": "a"}]}}, 1 + 3 + 2),
        ({"m": {"M": {"k": {"S": "v"}}}}, 1 + 3 + 3),
    ],
)
def test_sizes_count_names_and_values(item, size):
    assert item_size(item) == size


def test_values_of_two_types_have_no_order():
    assert compare({"S": "1"}, {"N": "1"}) is None
    assert compare({"BOOL": True}, {"BOOL": False}) is None
    assert compare({"N": "10"}, {"N": "9"}) == 1


digits = st.integers(min_value=-(10**37), max_value=10**37)
numbers = st.builds(
    lambda n, e: text_of(decimal.Decimal(n).scaleb(e)), digits, st.integers(min_value=-60, max_value=60)
).map(lambda text: {"N": text})
texts = st.text(alphabet=st.sampled_from("ab\x00\x01\x02é\U0001f600"), max_size=5).map(lambda text: {"S": text})
binaries = st.binary(max_size=4).map(lambda data: {"B": data})


@given(st.one_of(*(st.tuples(one, one) for one in (numbers, texts, binaries))))
def test_keys_are_in_the_order_of_values(pair):
    left, right = ((ordered(value) + END).encode() for value in pair)
    assert (left > right) - (left < right) == compare(*pair)


@given(st.one_of(*(st.tuples(one, one, one) for one in (numbers, texts, binaries))))
def test_spans_hold_what_compares_so(values):
    value, low, high = values
    key = "t/" + ordered(value) + END
    for operator, wanted in (("<", (-1,)), ("<=", (-1, 0)), ("=", (0,)), (">=", (0, 1)), (">", (1,))):
        span = comparison("t/", operator, [low])
        assert (span.start <= key and (span.stop is None or key < span.stop)) is (compare(value, low) in wanted)
    span = comparison("t/", "between", [low, high])
    inside = compare(value, low) >= 0 and compare(value, high) <= 0
    assert (span.start <= key < span.stop) is inside
    (kind, content) = next(iter(value.items()))
    if kind != "N":
        span = comparison("t/", "begins_with", [low])
        assert (span.start <= key and (span.stop is None or key < span.stop)) is content.startswith(low[kind])


@given(texts, st.integers(min_value=1, max_value=50))
def test_every_item_is_in_one_segment(value, total):
    key = "t/" + place(value, None)
    spans = [segment("t/", at, total) for at in range(total)]
    assert sum(span.start <= key < span.stop for span in spans) == 1
    assert spans[-1].stop == whole("t/").stop


def test_a_span_goes_on_behind_a_key():
    key = "t/" + place({"S": "a"}, {"S": "b"})
    assert key < whole("t/").after(key).start == key[: -len(END)] + BEYOND
    assert whole("t/").before(key).stop == key


@given(digits, digits)
def test_sums_are_exact(left, right):
    try:
        assert number(add(str(left), str(right))) == left + right
        assert number(add(str(left), str(right), -1)) == left - right
    except ValueInvalid:
        assert len(str(abs(left + right)).rstrip("0")) > 38 or len(str(abs(left - right)).rstrip("0")) > 38
