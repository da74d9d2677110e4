"""Filter patterns: which lines FilterLogEvents returns.

Grammar (CloudWatch Logs user guide, "Filter and pattern syntax"): terms are AND-ed and case-sensitive;
`"exact phrase"`; `?a ?b` means at least one of them; `-a` excludes; `%regex%` is a regular expression;
`{ $.field = "x" && ... }` looks into a line of JSON. Space-delimited patterns `[a, b, ...]` are not provided.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from lakemill.services.regexes import Regex, RegexInvalid

Matcher = Callable[[str], bool]


class PatternError(ValueError):
    """A pattern that cannot be understood; the text says where."""


def compile_pattern(pattern: str | None) -> Matcher:
    """The test for one line.

    >>> compile_pattern('ERROR -timeout')("ERROR disk full")
    True
    >>> compile_pattern('{ $.code >= 500 }')('{"code": 503}')
    True
    """
    text = (pattern or "").strip()
    if not text or text == '""':
        return lambda line: True
    if text.startswith("{"):
        if not text.endswith("}"):
            raise PatternError("a JSON pattern must end with }")
        return _json_pattern(text[1:-1])
    if text.startswith("["):
        raise PatternError("space-delimited patterns [a, b, ...] are not provided; use terms or a %regex%")
    return _terms(text)


_TERM = re.compile(r'(?P<mark>[?-]?)(?:"(?P<phrase>(?:[^"\\]|\\.)*)"|%(?P<regex>[^%]+)%|(?P<word>\S+))')


def _terms(text: str) -> Matcher:
    required: list[Matcher] = []
    either: list[Matcher] = []
    for match in _TERM.finditer(text):
        test = _term(match)
        if match["mark"] == "?":
            either.append(test)
        elif match["mark"] == "-":
            required.append(_not(test))
        else:
            required.append(test)

    def matches(line: str) -> bool:
        # As on AWS, optional terms count only when there is no required one.
        if required:
            return all(test(line) for test in required)
        return any(test(line) for test in either)

    return matches


def _not(test: Matcher) -> Matcher:
    return lambda line: not test(line)


def _term(match: re.Match[str]) -> Matcher:
    if match["regex"]:
        return _regex(match["regex"])
    if match["phrase"] is not None:
        needle = re.sub(r"\\(.)", r"\1", match["phrase"])
        return lambda line: needle in line
    needle = match["word"]
    return lambda line: needle in line


def _regex(text: str) -> Matcher:
    try:
        return _in_time(f"%{text}%", Regex(text).search)
    except RegexInvalid as invalid:
        raise PatternError(f"%{text}% is no regular expression: {invalid}") from None


def _in_time(pattern: str, test: Matcher) -> Matcher:
    def matches(line: str) -> bool:
        try:
            return test(line)
        except RegexInvalid as invalid:
            raise PatternError(f"{pattern} cannot be used: {invalid}") from None

    return matches


_CONDITION = re.compile(
    r"""\s*(?P<path>\$(?:\.[\w-]+|\[\d+\])+)\s*
    (?: (?P<is>IS\s+(?:NULL|TRUE|FALSE)|NOT\s+EXISTS)
      | (?P<op>!=|<=|>=|=|<|>)\s*(?:"(?P<text>(?:[^"\\]|\\.)*)"|%(?P<regex>[^%]+)%|(?P<bare>[^\s&|()]+)) )\s*""",
    re.X | re.I,
)
_MISSING = object()


def _json_pattern(text: str) -> Matcher:
    test, rest = _either(text)
    if rest.strip():
        raise PatternError(f"unexpected {rest.strip()[:20]!r} in a JSON pattern")

    def matches(line: str) -> bool:
        try:
            document = json.loads(line)
        except ValueError:
            return False
        return test(document)

    return matches


def _either(text: str) -> tuple[Callable[[Any], bool], str]:
    first, text = _both(text)
    tests = [first]
    while text.lstrip().startswith("||"):
        following, text = _both(text.lstrip()[2:])
        tests.append(following)
    return (lambda document: any(test(document) for test in tests)), text


def _both(text: str) -> tuple[Callable[[Any], bool], str]:
    first, text = _one(text)
    tests = [first]
    while text.lstrip().startswith("&&"):
        following, text = _one(text.lstrip()[2:])
        tests.append(following)
    return (lambda document: all(test(document) for test in tests)), text


def _one(text: str) -> tuple[Callable[[Any], bool], str]:
    if text.lstrip().startswith("("):
        test, rest = _either(text.lstrip()[1:])
        if not rest.lstrip().startswith(")"):
            raise PatternError("a ( without its ) in a JSON pattern")
        return test, rest.lstrip()[1:]
    match = _CONDITION.match(text)
    if match is None:
        raise PatternError(f"cannot read the condition {text.strip()[:40]!r}")
    path = [int(i) if i else name for name, i in re.findall(r"\.([\w-]+)|\[(\d+)\]", match["path"])]
    return _condition(path, match), text[match.end() :]


def _condition(path: list[str | int], match: re.Match[str]) -> Callable[[Any], bool]:
    if match["is"]:
        word = match["is"].upper().split()[-1]
        expected = {"NULL": None, "TRUE": True, "FALSE": False, "EXISTS": _MISSING}[word]
        return lambda document: _at(document, path) is expected
    compare = _comparison(match)

    def test(document: Any) -> bool:
        value = _at(document, path)
        return value is not _MISSING and compare(value)

    return test


def _comparison(match: re.Match[str]) -> Callable[[Any], bool]:
    operator, bare = match["op"], match["bare"]
    number = _number(bare)
    if operator in ("<", ">", "<=", ">=") or number is not None:
        if number is None:
            raise PatternError(f"{operator} needs a number; got {match[0].strip()!r}")
        return lambda value: _numeric(value, operator, number)
    if match["regex"]:
        test = _regex(match["regex"])
        return lambda value: isinstance(value, str) and test(value) == (operator == "=")
    text = match["text"] if match["text"] is not None else bare
    test = _in_time(text, Regex("(?s)" + ".*".join(re.escape(part) for part in text.split("*"))).fullmatch)
    return lambda value: isinstance(value, str) and test(value) == (operator == "=")


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _numeric(value: Any, operator: str, number: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return {
        "=": value == number,
        "!=": value != number,
        "<": value < number,
        ">": value > number,
        "<=": value <= number,
        ">=": value >= number,
    }[operator]


def _at(document: Any, path: list[str | int]) -> Any:
    for step in path:
        if isinstance(step, int):
            if not isinstance(document, list) or step >= len(document):
                return _MISSING
            document = document[step]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            return _MISSING
    return document
