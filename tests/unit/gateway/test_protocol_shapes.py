"""Types made of shapes, the constraints in AWS's words, patterns of Java, and points in time."""

import datetime
import re

import msgspec
import pytest
from botocore.model import DenormalizedStructureBuilder, ShapeResolver

from lakemill.gateway import constraints, javaregex, models, moments
from lakemill.gateway.protocols import xmltree, xmlwrite
from lakemill.gateway.shapes import Flavour, Types, json_decoder, validate

UTC = datetime.UTC


def structure(required=(), **members):
    shape = DenormalizedStructureBuilder().with_members(members).build_model()
    shape._shape_model["required"] = list(required)
    return shape


def recursive():
    shapes = {
        "Tree": {
            "type": "structure",
            "required": ["Name"],
            "members": {"Name": {"shape": "Name"}, "Children": {"shape": "Trees"}, "By": {"shape": "TreeMap"}},
        },
        "Trees": {"type": "list", "member": {"shape": "Tree"}},
        "TreeMap": {"type": "map", "key": {"shape": "Name"}, "value": {"shape": "Tree"}},
        "Name": {"type": "string", "max": 3},
    }
    return ShapeResolver(shapes).get_shape_by_name("Tree")


def said(shape, value) -> list[str]:
    return [
        rule.replace(" failed to satisfy constraint: Member must", "") for rule in constraints.violations(shape, value)
    ]


def test_a_shape_may_contain_itself():
    decode = json_decoder(Types().of(recursive(), Flavour.JSON)).decode
    tree = {"Name": "a", "Children": [{"Name": "b", "Children": []}], "By": {"c": {"Name": "c"}}}
    assert decode(msgspec.json.encode(tree)) == tree
    with pytest.raises(msgspec.ValidationError):
        decode(b'{"Name":"a","Children":[{"Name":"long"}]}')
    tree["Children"][0]["Name"] = "long"
    tree["By"]["c"]["Name"] = "longer"
    assert said(recursive(), tree) == [
        "Value 'long' at 'children.1.member.name' have length less than or equal to 3",
        "Value 'longer' at 'by.c.member.name' have length less than or equal to 3",
    ]


def test_every_input_of_every_json_service_compiles():
    types = Types()
    for client in ("kinesis", "logs", "kms", "athena"):
        service = models.service_model(client)
        types = Types()
        for name in service.operation_names:
            if shape := service.operation_model(name).input_shape:
                json_decoder(types.of(shape, Flavour.JSON))


def test_native_values_are_checked_as_they_are():
    shape = structure(When={"type": "timestamp"}, Data={"type": "blob", "max": 2})
    kind = Types().of(shape, Flavour.NATIVE)
    value = {"When": datetime.datetime.now(UTC), "Data": b"ab"}
    assert validate(value, kind) == value
    with pytest.raises(msgspec.ValidationError):
        validate({"Data": b"abc"}, kind)
    with pytest.raises(msgspec.ValidationError):
        validate({"Data": "YQ=="}, kind)


@pytest.mark.parametrize(
    ("member", "value", "sentence"),
    [
        ({"type": "string", "min": 2}, "a", "Value 'a' at 'm' have length greater than or equal to 2"),
        ({"type": "integer", "max": 5}, 6, "Value '6' at 'm' have value less than or equal to 5"),
        ({"type": "double", "min": 0.5}, 0.25, "Value '0.25' at 'm' have value greater than or equal to 0.5"),
        ({"type": "string", "enum": ["A", "B"]}, "C", "Value 'C' at 'm' satisfy enum value set: [A, B]"),
        ({"type": "string", "pattern": "[a-z]+"}, "A", "Value 'A' at 'm' satisfy regular expression pattern: [a-z]+"),
        (
            {"type": "blob", "max": 1},
            b"ab",
            "Value 'java.nio.HeapByteBuffer[pos=0 lim=2 cap=2]' at 'm' have length less than or equal to 1",
        ),
        ({"type": "string", "sensitive": True, "min": 2}, "s", "Value at 'm' have length greater than or equal to 2"),
        (
            {"type": "list", "max": 1, "member": {"type": "boolean"}},
            [True, False],
            "Value '[true, false]' at 'm' have length less than or equal to 1",
        ),
        (
            {"type": "map", "max": 0, "key": {"type": "string"}, "value": {"type": "string", "sensitive": True}},
            {"k": "v"},
            "Value '{k=***Sensitive Data Redacted***}' at 'm' have length less than or equal to 0",
        ),
    ],
)
def test_each_constraint_has_its_sentence(member, value, sentence):
    assert said(structure(M=member), {"M": value}) == [sentence]


def test_structures_in_messages_are_printed_with_their_members():
    shape = models.operation_model("sagemaker", "AddTags").input_shape
    tags = [{"Key": "a", "Value": ""}] * 51
    (rule,) = said(shape, {"ResourceArn": "arn:aws:sagemaker:us-east-1:000000000000:model/m", "Tags": tags})
    assert rule.startswith("Value '[Tag(Key=a, Value=), Tag(Key=a, Value=), ")
    assert rule.endswith("]' at 'tags' have length less than or equal to 50")


def test_a_null_in_a_list_is_named():
    inner = {"type": "structure", "members": {}}
    shape = structure(L={"type": "list", "member": inner})
    assert said(shape, {"L": [{}, None]}) == ["Value null at 'l.2.member' not be null"]


def test_a_pattern_nobody_can_translate_is_not_enforced():
    shape = structure(M={"type": "string", "pattern": r"[\p{Print}&&[^|]]+"})
    assert validate({"M": "é"}, Types().of(shape, Flavour.NATIVE)) == {"M": "é"}
    assert said(shape, {"M": "é"}) == []


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        (r"[\w-_]+", ["a-_"], ["é", ""]),
        (r"^[a-z]+$", ["abc"], ["abc\n", "Abc"]),
        (r"a|b", ["a", "b"], ["ab"]),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", ["Ärger 12 漢字", ""], ["😀", "\t"]),
        (r"[^\p{Cc}]+", ["é"], ["\x01"]),
        (r"\P{C}+", ["a"], ["\u200d"]),
        (r"[\P{C}\n]+", ["a\n"], ["\x01"]),
        (r"[ -\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", ["😀", "\t"], ["\x01"]),
        (r"\A\S[\p{Print}]*\z", ["a b"], [" a", "aé"]),
        (r"(?i)\A(?:abc)\z", ["ABC"], ["abcd"]),
        (r"([a-z]*)${1,128}", ["abc"], ["ABC"]),
        (r"[\p{Alnum}\-]+", ["a-1"], ["ä"]),
        (r"[a|b~]+", ["a|b~"], ["c"]),
        (r"\d+", ["12"], ["१२"]),
    ],
)
def test_patterns_of_java_mean_the_same(pattern, fits, fails):
    compiled = re.compile(javaregex.translate(pattern))
    assert all(compiled.search(text) for text in fits)
    assert not any(compiled.search(text) for text in fails)


def test_points_in_time_in_each_form():
    at = datetime.datetime(2020, 5, 18, 18, 31, 18, 123_456, UTC)
    assert moments.to_epoch(at) == 1589826678.123
    assert moments.to_epoch(at.replace(microsecond=0)) == 1589826678
    assert moments.to_iso(at) == "2020-05-18T18:31:18.123Z"
    assert moments.to_iso(1589826678) == "2020-05-18T18:31:18Z"
    assert moments.to_iso_millis(1589826678) == "2020-05-18T18:31:18.000Z"
    assert moments.to_http_date(at) == "Mon, 18 May 2020 18:31:18 GMT"
    east = datetime.timezone(datetime.timedelta(hours=2))
    assert moments.to_iso(datetime.datetime(2020, 5, 18, 20, 31, 18, tzinfo=east)) == "2020-05-18T18:31:18Z"


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 18 May 2020 18:31:18 GMT",
        "Monday, 18-May-20 18:31:18 GMT",
        "Mon May 18 18:31:18 2020",
        "Mon, 18 May 2020 20:31:18 +0200",
    ],
)
def test_http_dates_in_every_form(text):
    assert moments.from_http_date(text) == datetime.datetime(2020, 5, 18, 18, 31, 18, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "Mon, 18 Mai 2020 18:31:18 GMT", "Mon, 99 May 2020 18:31:18 GMT"])
def test_what_is_no_date_says_so(text):
    with pytest.raises(ValueError):
        moments.from_http_date(text)


def test_a_moment_beyond_the_calendar_is_refused():
    with pytest.raises(ValueError):
        moments.from_epoch(1e18)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text",
        b"<a><b></a>",
        b"<a/><b/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b"<a>\xff</a>",
        b"<a>" * 70 + b"</a>" * 70,
        b"<a>" + b" " * xmltree.BYTES_MAX + b"</a>",
    ],
)
def test_xml_that_is_broken_or_dangerous_is_refused(body):
    with pytest.raises(xmltree.XmlRefused):
        xmltree.parse(body)


def test_what_is_written_as_xml_is_read_back():
    text = 'a<b>&"c"\r\n\t é \u2028 ]]>'
    node = xmltree.parse(f'<r a="{xmlwrite.escape(text)}">{xmlwrite.escape(text)}</r>'.encode())
    assert node.text == text
