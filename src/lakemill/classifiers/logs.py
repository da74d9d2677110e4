"""Logs whose lines a grok expression matches: custom ones, and those that are recognized without being told."""

import functools
from typing import Any

from lakemill.classifiers.findings import Finding
from lakemill.classifiers.samples import Sample
from lakemill.formats.grok import Grok

SERDE = "com.amazonaws.glue.serde.GrokSerDe"
LINES_MAX = 1000
CERTAIN = 0.9
"""So many of the lines must match for a built-in expression: logs hold odd lines."""
BUILT_IN_LINES_MAX = 200
_NONE_OF = 5
"""If none of so many lines match, a built-in expression is not held against more."""
BUILT_IN = {
    "combined_apache": "%{COMBINEDAPACHELOG}",
    "apache": "%{COMMONAPACHELOG}",
    "linux_kernel": "%{SYSLOGBASE} %{GREEDYDATA:message}",
    "microsoft_log": (
        r"%{TIMESTAMP_ISO8601:timestamp} %{IPORHOST:site} %{WORD:method} %{URIPATH:page} %{NOTSPACE:querystring} "
        r"%{NUMBER:port} %{NOTSPACE:username} %{IPORHOST:clienthost} %{NOTSPACE:useragent} "
        r"(?:%{NOTSPACE:referer} )?%{NUMBER:response} %{NUMBER:subresponse} %{NUMBER:scstatus}(?: %{NUMBER:timetaken})?"
    ),
    "ruby_logger": (
        r"[DFEWIAU], \[%{TIMESTAMP_ISO8601:timestamp} #%{POSINT:pid}\] *%{RUBY_LOGLEVEL:loglevel} -- "
        r"+%{DATA:progname}: %{GREEDYDATA:message}"
    ),
    "squid": (
        r"%{NUMBER:timestamp} +%{NUMBER:duration} %{IPORHOST:clientip} %{WORD:cacheresult}/%{NUMBER:response} "
        r"%{NUMBER:bytes} %{WORD:verb} %{NOTSPACE:url} %{NOTSPACE:user} %{WORD:hierarchy}/%{NOTSPACE:server} "
        r"%{NOTSPACE:contenttype}"
    ),
    "redismonlog": (
        r"%{NUMBER:timestamp} \[%{INT:database} %{IP:client}:%{NUMBER:port}\] "
        r"\"%{WORD:command}\"\s?%{GREEDYDATA:params}"
    ),
    "redislog": (r"(?:\[%{POSINT:pid}\]|%{POSINT:pid}:[A-Z]) %{REDISTIMESTAMP:timestamp} [-*.#] %{GREEDYDATA:message}"),
}


def built_in(sample: Sample) -> Finding | None:
    """By the expressions above, in their order."""
    lines = _lines(sample)[:BUILT_IN_LINES_MAX]
    for name in BUILT_IN:
        if not any(_built_in(name).match(line) is not None for line in lines[:_NONE_OF]):
            continue
        found = _matched(sample, lines, name, _built_in(name), BUILT_IN[name], "")
        if found is not None and found.certainty >= CERTAIN:
            found.certainty = 1.0
            return found
    return None


def custom(sample: Sample, definition: dict[str, Any], expression: Grok) -> Finding | None:
    """By a custom expression; certainty is the share of lines that match."""
    text, patterns = definition["grok_pattern"], definition.get("custom_patterns", "")
    name = definition["classification"]
    return _matched(sample, _lines(sample)[:LINES_MAX], name, expression, text, patterns, whole=False)


@functools.cache
def _built_in(name: str) -> Grok:
    return Grok(BUILT_IN[name])


def _lines(sample: Sample) -> list[str]:
    return [line for line in sample.lines if not line.startswith("#")]


def _matched(
    sample: Sample, lines: list[str], name: str, expression: Grok, text: str, patterns: str, *, whole: bool = True
) -> Finding | None:
    matches = sum([expression.match(line, whole=whole) is not None for line in lines])
    if not matches or not expression.columns:
        return None
    parameters = {"input.format": text, "serialization.format": "1"}
    if patterns:
        parameters["input.grokCustomPatterns"] = patterns
    size = sum([len(line.encode()) + 1 for line in lines])
    return Finding(
        classification=name,
        columns=expression.columns,
        serde=SERDE,
        serde_parameters=parameters,
        parameters={"grokPattern": text} | ({"grokCustomPatterns": patterns} if patterns else {}),
        records=len(lines),
        bytes=sample.taken * size / max(size, len(sample.data)),
        record_bytes=size / len(lines),
        certainty=matches / len(lines),
    )
