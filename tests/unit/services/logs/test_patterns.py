"""Filter patterns: a table of pattern, line, answer."""

import json

import pytest

from lakemill.services.logs.patterns import PatternError, compile_pattern

CASES = [
    ("", "anything", True),
    ("ERROR", "an ERROR here", True),
    ("ERROR", "an error here", False),
    ("ERROR disk", "disk ERROR", True),
    ("ERROR disk", "ERROR only", False),
    ('"disk full"', "the disk full now", True),
    ('"disk full"', "the full disk", False),
    ("?ERROR ?WARN", "a WARN", True),
    ("?ERROR ?WARN", "an INFO", False),
    ("ERROR -timeout", "ERROR timeout", False),
    ("ERROR -timeout", "ERROR other", True),
    ("%E[0-9]+%", "code E42", True),
    ("%E[0-9]+%", "code EX", False),
    ('{ $.level = "ERR*" }', '{"level": "ERROR"}', True),
    ('{ $.level != "ERROR" }', '{"level": "INFO"}', True),
    ("{ $.a.b[1] >= 5 }", '{"a": {"b": [1, 7]}}', True),
    ("{ $.n = 5 }", '{"n": 5.0}', True),
    ("{ ($.n > 1 && $.n < 3) || $.ok IS TRUE }", '{"n": 9, "ok": true}', True),
    ("{ $.x IS NULL }", '{"x": null}', True),
    ("{ $.x NOT EXISTS }", '{"y": 1}', True),
    ("{ $.n = 5 }", "not json", False),
]


@pytest.mark.parametrize(("pattern", "line", "expected"), CASES)
def test_pattern(pattern, line, expected):
    assert compile_pattern(pattern)(line) is expected


@pytest.mark.parametrize("pattern", ["{ $.a = ", "[a, b]", "{ $.a ~ 3 }", "%[%"])
def test_unreadable_patterns_say_so(pattern):
    with pytest.raises(PatternError):
        compile_pattern(pattern)


@pytest.mark.parametrize("pattern", ["%(a|aa)+$%", "{ $.x = %(a|aa)+$% }"])
def test_a_pattern_that_would_take_for_ever_is_refused_while_it_is_used(pattern):
    line = "a" * 400 + "b"
    with pytest.raises(PatternError, match="takes more than"):
        compile_pattern(pattern)(json.dumps({"x": line}) if "{" in pattern else line)
