"""Crawls that were: their filters and descriptions."""

import json
import operator
from collections.abc import Callable
from typing import Any

from lakemill.engines.crawling import LOG_GROUP
from lakemill.services.glue import shapes

_OPERATORS = {
    "GT": operator.gt,
    "GE": operator.ge,
    "LT": operator.lt,
    "LE": operator.le,
    "EQ": operator.eq,
    "NE": operator.ne,
}
_TEXTS = {"CRAWL_ID": "id", "STATE": "state"}
_TIMES = {"START_TIME": "start", "END_TIME": "end"}


def filters(given: list[dict[str, Any]]) -> Callable[[dict[str, Any]], bool]:
    """Whether a crawl satisfies all filters."""
    tests = [_test(one) for one in given]
    return lambda crawl: all(test(crawl) for test in tests)


def _test(given: dict[str, Any]) -> Callable[[dict[str, Any]], bool]:
    name, text = given.get("FieldName"), given.get("FieldValue", "")
    compare = _OPERATORS.get(given.get("FilterOperator", ""))
    if name is None or compare is None:
        raise shapes.invalid("A filter must have FieldName, FilterOperator and FieldValue.")
    if name in _TEXTS:
        if compare not in (operator.eq, operator.ne):
            raise shapes.invalid(f"{name} can be compared with EQ and NE only.")
        return lambda crawl: compare(crawl[_TEXTS[name]], text)
    if name not in _TIMES:
        raise shapes.invalid("DPU_HOUR is not supported in filters: crawls are not charged.")
    if not text.isdecimal():
        raise shapes.invalid(f"{name} must be compared with milliseconds since 1970; got {text!r}.")
    wanted_ms = int(text)

    def of_time(crawl: dict[str, Any]) -> bool:
        found = crawl.get(_TIMES[name])
        return found is not None and compare(int(found.timestamp() * 1000), wanted_ms)

    return of_time


def described(crawl: dict[str, Any], name: str) -> dict[str, Any]:
    """A CrawlerHistory."""
    answer = {
        "CrawlId": crawl["id"],
        "State": crawl["state"],
        "StartTime": crawl["start"],
        "LogGroup": LOG_GROUP,
        "LogStream": name,
        "MessagePrefix": crawl["id"],
        "DPUHour": 0.0,
    }
    if "end" in crawl:
        answer["EndTime"] = crawl["end"]
    if crawl.get("error"):
        answer["ErrorMessage"] = crawl["error"]
    if any(counts := crawl.get("counts") or {}) and any(counts.values()):
        answer["Summary"] = json.dumps(_summary(counts), separators=(",", ":"))
    return answer


def _summary(counts: dict[str, int]) -> dict[str, Any]:
    names = {"ADD": "created", "UPDATE": "updated", "DELETE": "deleted"}
    tables = {kind: counts[name] for kind, name in names.items() if counts[name]}
    partitions = {kind: counts[f"partitions_{name}"] for kind, name in names.items() if counts[f"partitions_{name}"]}
    return {name: one for name, one in (("TABLE", tables), ("PARTITION", partitions)) if one}
