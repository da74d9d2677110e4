"""The process in which files are looked at: python -m lakemill.classifiers.worker [--memory-mib N]

It ends when its standard input does, so it never outlives the platform. All it prints goes to standard error.

Messages are those of `formats.messages`. Requests are answered one by one, in order:

    {"samples": [[name, size, head, tail], ...], "custom": [classifier, ...]}  ->  {"findings": [finding, ...]}

    {"database": arguments of databases.tables}  ->  {"tables": [databases.Table, ...]} or {"error": text}

    {"check": classifier}  ->  {"problem": what is wrong with a custom classifier, or ""}

A finding is that of `findings.Finding`, as a dict; or {"more": {"head": n, "tail": n}}, so many bytes at the beginning
and at the end, if more must be seen; or {"error": text} for a file that stopped its classifier.
"""

import traceback
from typing import Any

import msgspec

from lakemill.formats.answering import answer_all


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What to say to a request."""
    if "check" in request:
        return {"problem": _problem(request["check"])}
    if "database" in request:
        return _read(request["database"])
    return {"findings": [_looked_at(sample, request["custom"]) for sample in request["samples"]]}


def _read(database: dict[str, Any]) -> dict[str, Any]:
    try:
        from lakemill.classifiers import databases

        return {"tables": msgspec.to_builtins(databases.tables(**database))}
    except ImportError as lacking:
        return {"error": f"{lacking}; crawlers of databases need: pip install 'lakemill[lake]'"}
    except ValueError as wrong:
        return {"error": str(wrong)}


def _problem(classifier: dict[str, Any]) -> str:
    from lakemill.classifiers.chain import custom_classifier

    try:
        custom_classifier(classifier)
    except ValueError as wrong:
        return str(wrong)
    return ""


def _looked_at(given: list[Any], custom: list[dict[str, Any]]) -> dict[str, Any]:
    from lakemill.classifiers.chain import classify
    from lakemill.classifiers.findings import MoreNeeded
    from lakemill.classifiers.samples import Sample

    try:
        found: dict[str, Any] = msgspec.to_builtins(classify(Sample(*given), custom))
        return found
    except MoreNeeded as more:
        return {"more": {"head": more.head, "tail": more.tail}}
    except ImportError as lacking:
        return {"error": f"{lacking}; crawlers need: pip install 'lakemill[lake]'"}
    except Exception as wrong:  # A file can be damaged in any way; the others are looked at all the same.
        traceback.print_exception(wrong)
        return {"error": f"{type(wrong).__name__}: {wrong}"}


if __name__ == "__main__":
    answer_all("lakemill.classifiers.worker", answer)
