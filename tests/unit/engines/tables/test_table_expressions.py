"""Expressions: what they say of items, what they make of them, and how wrong ones are refused."""

import pytest

from lakemill.engines.tables import Language
from lakemill.engines.tables.errors import ExpressionInvalid, UpdateInvalid, ValueInvalid
from lakemill.engines.tables.paths import project
from lakemill.engines.tables.values import canonical

ITEM = {
    "id": {"S": "x"},
    "n": {"N": "5"},
    "b": {"B": b"\x01\x02"},
    "flag": {"BOOL": True},
    "nil": {"NULL": True},
    "colours": {"SS": ["blue", "red"]},
    "l": {"L": [{"N": "1"}, {"S": "two"}, {"M": {"deep": {"S": "yes"}}}]},
    "m": {"M": {"a": {"N": "1"}, "b.c": {"S": "dotted"}}},
}
VALUES = {
    ":five": {"N": "5"},
    ":six": {"N": "6"},
    ":x": {"S": "x"},
    ":red": {"S": "red"},
    ":one": {"N": "1"},
    ":two": {"S": "two"},
    ":tw": {"S": "tw"},
    ":bytes": {"B": b"\x01"},
    ":set": {"SS": ["red"]},
    ":nset": {"NS": ["1"]},
    ":list": {"L": [{"S": "z"}]},
    ":t": {"S": "S"},
    ":true": {"BOOL": True},
    ":null": {"NULL": True},
}
NAMES = {"#n": "n", "#dot": "b.c", "#s": "size"}


def language() -> Language:
    return Language(NAMES, VALUES)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("n = :five", True),
        ("#n = :five", True),
        ("n <> :five", False),
        ("absent = :five", False),
        ("absent <> :five", True),
        ("n <> :x", True),
        ("n < :six", True),
        ("n <= :five", True),
        ("n > :five", False),
        ("n >= :six", False),
        ("n < :x", False),
        ("absent < :six", False),
        ("n BETWEEN :five AND :six", True),
        ("n between :six and :six", False),
        ("n IN (:six, :five)", True),
        ("absent IN (:six)", False),
        ("attribute_exists(m.a)", True),
        ("attribute_exists(m.z)", False),
        ("attribute_not_exists(l[7])", True),
        ("attribute_not_exists(id)", False),
        ("attribute_type(id, :t)", True),
        ("attribute_type(n, :t)", False),
        ("begins_with(l[1], :tw)", True),
        ("begins_with(n, :tw)", False),
        ("begins_with(b, :bytes)", True),
        ("contains(colours, :red)", True),
        ("contains(colours, :five)", False),
        ("contains(l, :one)", True),
        ("contains(l[1], :tw)", True),
        ("contains(n, :five)", False),
        ("size(id) = :one", True),
        ("size(l) > :one", True),
        ("size(colours) > size(id)", True),
        ("size(n) = :one", False),
        ("m.#dot = id", False),
        ("m.a = l[0]", True),
        ("flag = :true AND nil = :null", True),
        ("NOT n = :five", False),
        ("NOT n = :six AND id = :x", True),
        ("n = :six OR id = :x AND n = :five", True),
        ("(n = :six OR id = :x) AND n = :six", False),
        ("colours = :set", False),
        ("l[2].deep = :x OR (n = :five AND (id = :x))", True),
    ],
)
def test_conditions_hold_or_not(text, holds):
    assert language().condition(text).holds(ITEM) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("n = ", 'Syntax error; token: "<EOF>", near: "="'),
        ("n == :five", 'Syntax error; token: "=", near: "== :five"'),
        ("n = 5", 'Syntax error; token: "5", near: "= 5"'),
        ("n ! :five", 'Syntax error; token: "!", near: "n ! "'),
        ("n = :five n", 'Syntax error; token: "n", near: ":five n"'),
        ("n = :gone", "An expression attribute value used in expression is not defined; attribute value: :gone"),
        ("#gone = :x", "An expression attribute name used in the document path is not defined; attribute name: #gone"),
        ("frobnicate(n)", "Invalid function name; function: frobnicate"),
        ("n = if_not_exists(n, :five)", "not allowed to be used this way in an expression; function: if_not_exists"),
        ("attribute_exists(n, id)", "operator or function: attribute_exists, number of operands: 2"),
        ("attribute_exists(:x)", "requires a document path; operator or function: attribute_exists"),
        ("attribute_type(n, :red)", "Invalid attribute type name found; type: red"),
        ("begins_with(n, :five)", "operator or function: begins_with, operand type: N"),
        ("n < :set", "operator or function: <, operand type: SS"),
        ("n BETWEEN :six AND :five", "requires upper bound to be greater than or equal to lower bound"),
        ("n BETWEEN :five AND :x", "requires same data type for lower and upper bounds"),
        ("n = n", "must be distinct from the remaining operands"),
        ("((n = :five))", "The expression has redundant parentheses;"),
        ("name = :x", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("size = :x", "Attribute name is a reserved keyword; reserved keyword: size"),
        ("l[x] = :x", 'Syntax error; token: "x"'),
        ("x" * 5000, "Expression size has exceeded the maximum allowed size; expression size: 5000"),
    ],
)
def test_wrong_conditions_are_refused(text, message):
    with pytest.raises(ExpressionInvalid) as caught:
        language().condition(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("SET n = n + :one", {"n": {"N": "6"}}),
        ("SET n = :one - n", {"n": {"N": "-4"}}),
        ("set z = if_not_exists(z, :x), y = if_not_exists(n, :x)", {"z": {"S": "x"}, "y": {"N": "5"}}),
        ("SET l = list_append(l, :list)", {"l": {"L": [*ITEM["l"]["L"], {"S": "z"}]}}),
        ("SET l = list_append(if_not_exists(q, :list), :list)", {"l": {"L": [{"S": "z"}, {"S": "z"}]}}),
        ("SET l[1] = :x", {"l": {"L": [{"N": "1"}, {"S": "x"}, ITEM["l"]["L"][2]]}}),
        ("SET l[9] = :x, l[8] = :five", {"l": {"L": [*ITEM["l"]["L"], {"N": "5"}, {"S": "x"}]}}),
        ("SET m.a = :x, m.#s = :one", {"m": {"M": {**ITEM["m"]["M"], "a": {"S": "x"}, "size": {"N": "1"}}}}),
        ("SET a = n, n = m.a", {"a": {"N": "5"}, "n": {"N": "1"}}),
        ("REMOVE l[0], l[1]", {"l": {"L": [ITEM["l"]["L"][2]]}}),
        ("REMOVE m.a, nothing", {"m": {"M": {"b.c": {"S": "dotted"}}}}),
        ("ADD n :six, fresh :one", {"n": {"N": "11"}, "fresh": {"N": "1"}}),
        ("ADD numbers :nset SET id2 = id", {"numbers": {"NS": ["1"]}, "id2": {"S": "x"}}),
        ("DELETE colours :set", {"colours": {"SS": ["blue"]}}),
        ("DELETE nothing :set", {}),
        ("ADD colours :set REMOVE flag", {}),
    ],
)
def test_updates_make_the_new_item(text, after):
    new = language().update(text).apply(ITEM)
    kept = {name: value for name, value in ITEM.items() if name != "flag" or "flag" not in text}
    assert new == kept | after


def test_an_update_leaves_the_old_item_alone():
    before = repr(ITEM)
    language().update("SET m.a = :x, l[0] = :x REMOVE l[2].deep ADD n :one DELETE colours :set").apply(ITEM)
    assert repr(ITEM) == before


def test_a_set_that_becomes_empty_is_gone():
    both = Language({}, {":all": {"SS": ["blue", "red"]}})
    assert "colours" not in both.update("DELETE colours :all").apply(ITEM)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SET n = :one SET id = :x", 'The "SET" section can only be used once in an update expression;'),
        ("SET m = :x, m.a = :x", "path one: [m], path two: [m, a]"),
        ("SET m.a = :x REMOVE m", "path one: [m, a], path two: [m]"),
        ("SET l[1] = :x, l[1] = :x", "path one: [l, [1]], path two: [l, [1]]"),
        ("ADD n :x", "operator: ADD, operand type: STRING, typeset: ALLOWED_FOR_ADD_OPERAND"),
        ("DELETE n :five", "operator: DELETE, operand type: NUMBER, typeset: ALLOWED_FOR_DELETE_OPERAND"),
        ("SET n = n + :x", "operator or function: +, operand type: S"),
        ("SET l = list_append(l, :x)", "operator or function: list_append, operand type: S"),
        ("SET n = size(id)", "not allowed to be used this way in an expression; function: size"),
        ("n = :x", 'Syntax error; token: "n"'),
        ("SET n", 'Syntax error; token: "<EOF>"'),
    ],
)
def test_wrong_updates_are_refused(text, message):
    with pytest.raises(ExpressionInvalid) as caught:
        language().update(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SET z = gone", "refers to an attribute that does not exist in the item"),
        ("SET z = gone + :one", "refers to an attribute that does not exist in the item"),
        ("SET z = id + :one", "incorrect data type"),
        ("SET z = list_append(id, :list)", "incorrect data type"),
        ("SET gone.a = :x", "document path provided in the update expression is invalid for update"),
        ("SET id[0] = :x", "document path provided in the update expression is invalid for update"),
        ("REMOVE gone.a", "document path provided in the update expression is invalid for update"),
        ("ADD id :one", "incorrect data type"),
        ("DELETE n :set", "incorrect data type"),
    ],
)
def test_updates_that_do_not_fit_the_item_are_refused(text, message):
    with pytest.raises(UpdateInvalid) as caught:
        language().update(text).apply(ITEM)
    assert message in str(caught.value)


def test_a_sum_of_more_than_38_digits_is_refused():
    large = Language({}, {":v": canonical({"N": "1e30"})})
    with pytest.raises(ValueInvalid, match="38 significant digits"):
        large.update("SET n = n + :v").apply({"n": canonical({"N": "1e-30"})})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("id, n", {"id": {"S": "x"}, "n": {"N": "5"}}),
        ("m.a, m.#dot", {"m": ITEM["m"]}),
        ("l[2].deep, l[0]", {"l": {"L": [{"N": "1"}, {"M": {"deep": {"S": "yes"}}}]}}),
        ("gone, l[7], m.gone, id.x", {}),
    ],
)
def test_projections_keep_what_is_asked_for(text, shown):
    assert project(ITEM, language().projection(text)) == shown


def test_names_and_values_that_were_used_are_known():
    spoken = language()
    spoken.condition("#n = :five AND size(m.#dot) > :one")
    assert spoken.used_names == {"#n", "#dot"}
    assert spoken.used_values == {":five", ":one"}
