"""What the agent does to records."""

import json

import pytest

from lakemill.agent.processing import Processing

ACCESS = b'64.242.88.10 - - [07/Mar/2004:16:10:02 -0800] "GET /list HTTP/1.1" 200 6291'


def only(option, record):
    return Processing.of([option]).apply(record)


def test_an_apache_line_becomes_an_object():
    found = only({"optionName": "LOGTOJSON", "logFormat": "COMMONAPACHELOG"}, ACCESS + b"\n")
    assert found.endswith(b"}\n")
    assert json.loads(found) == {
        "host": "64.242.88.10", "ident": None, "authuser": None, "datetime": "07/Mar/2004:16:10:02 -0800",
        "request": "GET /list HTTP/1.1", "response": "200", "bytes": "6291",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("form", "line", "expected"),
    [
        (
            "COMBINEDAPACHELOG",
            ACCESS.decode() + ' "http://a.example/" "Mozilla/4.0"',
            {"referer": "http://a.example/", "agent": "Mozilla/4.0"},
        ),
        (
            "APACHEERRORLOG",
            "[Thu Jul 21 14:31:06 2016] [core:error] [pid 35:tid 432] [client 1.2.3.4:80] File missing: /x",
            {"module": "core", "severity": "error", "processid": "35", "threadid": "432", "client": "1.2.3.4:80",
             "message": "File missing: /x"},
        ),
        (
            "SYSLOG",
            "Mar 12 12:00:08 server2 rcd[308]: Loaded 12 packages",
            {"timestamp": "Mar 12 12:00:08", "hostname": "server2", "program": "rcd", "processid": "308",
             "message": "Loaded 12 packages"},
        ),
        (
            "RFC3339SYSLOG",
            "2016-03-12T12:00:08.12Z server2 rcd: no number",
            {"timestamp": "2016-03-12T12:00:08.12Z", "program": "rcd", "processid": None, "message": "no number"},
        ),
    ],
)  # fmt: skip
def test_log_formats(form, line, expected):
    found = json.loads(only({"optionName": "LOGTOJSON", "logFormat": form}, line.encode() + b"\n"))
    assert found | expected == found


def test_a_line_of_another_format_is_left_out():
    assert only({"optionName": "LOGTOJSON", "logFormat": "SYSLOG"}, ACCESS) is None


def test_a_pattern_of_ones_own_with_names_of_ones_own():
    option = {"optionName": "LOGTOJSON", "logFormat": "COMMONAPACHELOG", "matchPattern": r"^(\d+) (\w+)$",
              "customFieldNames": ["number", "word"]}  # fmt: skip
    assert json.loads(only(option, b"12 ab\n")) == {"number": "12", "word": "ab"}


def test_csv_fields_are_named_by_position():
    option = {"optionName": "CSVTOJSON", "customFieldNames": ["a", "b", "c"], "delimiter": "\\t"}
    assert only(option, "x\tü\n".encode()) == '{"a":"x","b":"ü","c":null}\n'.encode()


def test_options_are_applied_in_order():
    chain = Processing.of([{"optionName": "SINGLELINE"}, {"optionName": "CSVTOJSON", "customFieldNames": ["a", "b"]}])
    assert chain.apply(b"1,\n  2\n") == b'{"a":"1","b":"2"}\n'
