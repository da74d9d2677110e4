"""The process in which a program of streaming SQL runs: python -m lakemill.streamsql.worker [--memory-mib N]

It ends when its standard input does, so it never outlives the platform. All it prints goes to standard error.

Messages are those of `formats.messages`. Requests are answered one by one, in order:

    {"do": "open", "plan": plan, "snapshot": bytes or None}      -> {"streams": [names], "lost", "missing"}
    {"do": "push", "input": i, "records": [[data, arrival ms, key, sequence, shard], ...], "now": ms}  -> outcome
    {"do": "advance", "now": ms}                                  -> outcome
    {"do": "snapshot"}                                            -> {"snapshot": bytes}
    {"do": "check", "plan": plan}                                 -> {"streams": [names]}
    {"do": "discover", "records": [bytes, ...]}                   -> {"form": form, "rows": [[text, ...], ...]}

lost: why the snapshot could not be used, or ""; the program begins with empty windows then. missing: streams of outputs
that the program does not have; these outputs get nothing.

An outcome is {"outputs": {number: [record, ...]}, "faults": count, "samples": [text, ...]}: what each output gets, and
how many rows went to the error stream. What goes wrong is {"error": text, "kind": "code" | "schema" | "fault", "line",
"column"}.

A plan is {"code", "inputs", "references", "outputs"}:

    input       {"prefix", "count", "form", "keyed"}   count: parallel streams; keyed: records have a key and a shard
    reference   {"table", "form", "data"}              data: the bytes of its object
    output      {"stream", "format", "newline"}        newline: end each JSON object with one

A form is what `records.RecordReader` takes.
"""

import gc
import traceback
from typing import Any

from lakemill.formats.answering import answer_all


class Worker:
    """Answers requests one by one."""

    def __init__(self) -> None:
        self.session: Any = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """What to say to a request; what went wrong is told, not raised."""
        try:
            found: dict[str, Any] = getattr(self, f"_{request['do']}")(request)
            return found
        except ValueError as wrong:
            if request["do"] in ("open", "check", "discover"):
                return {"error": str(wrong), "kind": "schema"}
            return self._fault(wrong)
        except ImportError as lacking:
            return {
                "error": f"{lacking}; SQL on streams needs: pip install 'lakemill[streams,algorithms]'",
                "kind": "fault",
            }
        except MemoryError:
            self.session = None
            return {"error": "there is no memory left", "kind": "fault"}
        except Exception as wrong:
            from lakemill.streamsql.errors import SqlError

            if isinstance(wrong, SqlError):
                return {"error": wrong.message, "kind": "code", "line": wrong.line, "column": wrong.column}
            return self._fault(wrong)

    def _fault(self, wrong: Exception) -> dict[str, Any]:
        traceback.print_exception(wrong)
        return {"error": f"{type(wrong).__name__}: {wrong}", "kind": "fault"}

    def _open(self, request: dict[str, Any]) -> dict[str, Any]:
        from lakemill.streamsql.session import Session

        self.session, lost = Session(request["plan"]), ""
        if request["snapshot"] is not None:
            try:
                self.session.restore(request["snapshot"])
            except Exception as wrong:  # Of another version of this program: better empty windows than none at all.
                self.session, lost = Session(request["plan"]), f"{type(wrong).__name__}: {wrong}"
        gc.collect()
        gc.freeze()  # What is loaded now stays; looking through it again and again costs more than the work itself.
        return {"streams": self.session.streams(), "lost": lost, "missing": self.session.missing}

    def _check(self, request: dict[str, Any]) -> dict[str, Any]:
        from lakemill.streamsql.session import Session
        from lakemill.streamsql.statements import parse

        if not request["plan"]["inputs"]:
            parse(request["plan"]["code"])  # What it reads has no columns yet, so there is no more to be said.
            return {"streams": []}
        return {"streams": Session(request["plan"]).streams()}

    def _push(self, request: dict[str, Any]) -> dict[str, Any]:
        self.session.push(request["input"], request["records"], request["now"])
        return self.session.drain()

    def _advance(self, request: dict[str, Any]) -> dict[str, Any]:
        self.session.advance(request["now"])
        return self.session.drain()

    def _snapshot(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"snapshot": self.session.snapshot()}

    def _discover(self, request: dict[str, Any]) -> dict[str, Any]:
        from lakemill.streamsql.sampling import discover

        form, rows = discover(request["records"])
        return {"form": form, "rows": rows}


if __name__ == "__main__":
    answer_all("lakemill.streamsql.worker", Worker().answer)
