"""The process in which files are looked at: python -m lakemill.classifiers.worker [--memory-mib N]

It ends when its standard input does, so it never outlives the platform. All it prints goes to standard error.

Messages are those of `formats.messages`. Requests are answered one by one, in order:

    {"samples": [[name, size, head, tail], ...], "custom": [classifier, ...]}  ->  {"findings": [finding, ...]}

    {"check": classifier}  ->  {"problem": what is wrong with a custom classifier, or ""}

A finding is that of `findings.Finding`, as a dict; or {"more": {"head": n, "tail": n}}, so many bytes at the beginning
and at the end, if more must be seen; or {"error": text} for a file that stopped its classifier.
"""

import argparse
import contextlib
import os
import sys
import traceback
from typing import Any

import msgspec

from lakemill.formats.messages import framed, read_message


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What to say to a request."""
    if "check" in request:
        return {"problem": _problem(request["check"])}
    return {"findings": [_looked_at(sample, request["custom"]) for sample in request["samples"]]}


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


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lakemill.classifiers.worker")
    parser.add_argument("--memory-mib", type=int, default=0, help="memory that the process may have; 0: any")
    _limit(parser.parse_args().memory_mib)
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # Whatever prints must not come between the answers.
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        while (request := read_message(source.read)) is not None:
            target.write(framed(answer(request)))
            target.flush()
    sys.stderr.flush()
    os._exit(0)  # Without the second that unloading everything takes.


def _limit(mebibytes: int) -> None:
    if mebibytes:
        with contextlib.suppress(ImportError, ValueError, OSError):
            import resource

            size = mebibytes << 20
            resource.setrlimit(resource.RLIMIT_DATA, (size, size))


if __name__ == "__main__":
    main()
