"""Grok expressions and the patterns they name."""

import pytest

from lakemill.formats.grok import Grok, GrokInvalid
from lakemill.formats.grokpatterns import STANDARD

MATCHES = {
    "IPV4": ["10.0.0.1", "255.255.255.255"],
    "IPV6": ["::1", "fe80::1:2", "2001:db8:0:0:0:0:0:1", "::ffff:10.0.0.1", "fe80::1%eth0"],
    "MAC": ["00:1a:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e"],
    "HOSTNAME": ["a", "web-1.example.com"],
    "HOSTPORT": ["10.0.0.1:80", "example.com:8080"],
    "UUID": ["123e4567-e89b-12d3-a456-426614174000"],
    "NUMBER": ["1", "-1.5", "+.5", "10."],
    "BASE16NUM": ["0xff", "DEAD"],
    "QUOTEDSTRING": ['"a \\"b\\" c"', "'x'", '""'],
    "URI": ["http://user:pw@example.com:80/a/b?c=d&e=f", "s3://bucket/key"],
    "UNIXPATH": ["/", "/var/log/a.log"],
    "WINPATH": ["C:\\a\\b.txt"],
    "TIME": ["00:00:00", "23:59", "12:30:45.123"],
    "DATE_US": ["1/31/2024", "01-31-24"],
    "DATE_EU": ["31.1.2024"],
    "TIMESTAMP_ISO8601": ["2024-01-31T10:00:00.123Z", "2024-01-31 10:00", "2024-01-31T10:00:00+02:00"],
    "DATESTAMP_RFC822": ["Wed Jan 31 2024 10:00:00 UTC"],
    "DATESTAMP_RFC2822": ["Wed, 31 Jan 2024 10:00:00 +0200"],
    "DATESTAMP_OTHER": ["Wed Jan 31 10:00:00 UTC 2024"],
    "DATESTAMP_EVENTLOG": ["20240131100000"],
    "HTTPDATE": ["10/Oct/2000:13:55:36 -0700"],
    "SYSLOGTIMESTAMP": ["Jan  1 00:00:00", "Oct 10 13:55:36"],
    "LOGLEVEL": ["INFO", "warning", "Fatal"],
    "JAVASTACKTRACEPART": ["  at com.example.Main.run(Main.java:10)", "at a.B.<init>(B.java)"],
}
MISSES = {
    "IPV4": ["256.0.0.1", "1.2.3"],
    "IPV6": ["1::2::3", "12345::"],
    "POSINT": ["0", "-1"],
    "TIME": ["24:00:00", "12:60"],
    "MONTHDAY": ["0", "32"],
    "UUID": ["123e4567"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in MATCHES.items() for text in texts])
def test_a_pattern_matches(name, text):
    assert Grok(f"%{{{name}:found}}").match(text)[0] == text


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in MISSES.items() for text in texts])
def test_a_pattern_does_not_match(name, text):
    assert Grok(f"%{{{name}:found}}").match(text) is None


@pytest.mark.parametrize("name", STANDARD)
def test_every_pattern_can_be_used(name):
    assert Grok(f"%{{{name}:found}}").columns[0] == ("found", "string")


def test_fields_types_and_what_is_left_out():
    expression = Grok(
        r"%{INT:a:byte} %{INT:b:short} %{INT:c:int} %{INT:d:long} %{NUMBER:e:float} %{NUMBER:f:double} "
        r"%{BOOLEAN:g:boolean} %{WORD:UNWANTED} %{WORD} (?<h>\w+)"
    )
    types = ["tinyint", "smallint", "int", "bigint", "float", "double", "boolean", "string"]
    assert expression.columns == list(zip("abcdefgh", types, strict=True))
    assert expression.match("1 2 3 4 5.5 6.5 true x y z") == ["1", "2", "3", "4", "5.5", "6.5", "true", "z"]


def test_a_field_that_comes_twice_is_one_column():
    assert Grok("(?:%{INT:n}|none %{WORD:n})").match("none at") == ["at"]


@pytest.mark.parametrize(
    ("text", "custom", "says"),
    [
        ("%{NOPE}", "", "No pattern is named NOPE"),
        ("%{INT:a:money}", "", "The type money"),
        ("(%{INT:a}", "", "not a regular expression"),
        ("%{A}", "A %{B}\nB %{A}", "in a circle"),
        ("%{A}", "A", "a name and a pattern"),
    ],
)
def test_what_is_no_expression(text, custom, says):
    with pytest.raises(GrokInvalid, match=says):
        Grok(text, custom)


def test_an_expression_that_takes_for_ever_is_given_up():
    assert Grok("(?:(?:a|a)+)+b").match("a" * 60) is None
