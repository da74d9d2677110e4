"""The process in which statements are carried out: python -m lakemill.lakesql.worker [--memory-mib N]

What is said is in interface.py. The process ends when its standard input does, also while it works, so it never
outlives the platform. All it prints goes to standard error.
"""

import argparse
import contextlib
import gc
import os
import select
import sys
import threading
import traceback
from typing import Any, BinaryIO

import msgspec

from lakemill.formats.answering import do_without, limit_data
from lakemill.formats.messages import framed, read_message
from lakemill.lakesql.interface import Failure, LakeRefused, Statement
from lakemill.lakesql.remote import RemoteLake

_BESIDE_MIB = 256
"""What the process may need beside a statement's memory: stacks of threads, and blocks that are read in Python."""


class Gone(Exception):
    """The platform is no longer there."""


class Wire:
    """Messages to and from the platform; threads take turns."""

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self._source, self._target, self._turn = source, target, threading.Lock()

    def send(self, message: Any) -> None:
        """Raises Gone."""
        with self._turn:
            self._send(message)

    def receive(self) -> Any:
        """The next message; None at the end."""
        return read_message(self._source.read)

    def ask(self, message: Any) -> Any:
        """The answer to a question. Raises LakeRefused, Gone."""
        with self._turn:
            self._send(message)
            answer = self.receive()
        if answer is None:
            raise Gone
        if "refused" in answer:
            raise LakeRefused(answer["refused"]["code"], answer["refused"]["message"])
        return answer.get("answer")

    def _send(self, message: Any) -> None:
        try:
            self._target.write(framed(message))
            self._target.flush()
        except (BrokenPipeError, ValueError):
            raise Gone from None


def answer(message: Any, wire: Wire) -> dict[str, Any]:
    """The outcome of a statement, or why it failed; what went wrong is told, not raised. Raises Gone only."""
    try:
        from lakemill.lakesql import execution

        statement = msgspec.convert(message["statement"], Statement)
    except ImportError as lacking:
        return {"failed": _built(Failure(message=f"GENERIC_INTERNAL_ERROR: {_lacking(lacking)}", category=1))}
    except (msgspec.ValidationError, KeyError, TypeError) as wrong:
        return {"failed": _built(Failure(message=f"GENERIC_INTERNAL_ERROR: {wrong}", category=1))}

    def asked(question: str, arguments: dict[str, Any]) -> Any:
        return wire.ask({"ask": question, "with": arguments})

    def told(count: int) -> None:
        wire.send({"progress": {"scanned_bytes": count}})

    outcome = execution.carry_out(statement, RemoteLake(asked), told)
    return {"failed" if isinstance(outcome, Failure) else "outcome": _built(outcome)}


def _built(outcome: Any) -> Any:
    return msgspec.to_builtins(outcome)


def main() -> None:
    """Carry out statements until there are no more."""
    parser = argparse.ArgumentParser(prog="python -m lakemill.lakesql.worker")
    parser.add_argument("--memory-mib", type=int, default=0, help="memory that statements may use; 0: any")
    memory_mib = parser.parse_args().memory_mib
    # Arrow's own allocator sets a GiB aside, which the limit would count.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    do_without("pandas")  # DuckDB and Arrow would load it only to see that nothing they are given is of it.
    wire = Wire(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    threading.Thread(target=_end_with_the_platform, daemon=True).start()
    os.dup2(2, 1)  # Whatever prints must not come between the messages.
    _load()
    if memory_mib:  # Beside what it has now, and what DuckDB does not count itself.
        limit_data(_data_bytes() + ((memory_mib + _BESIDE_MIB) << 20))
    code = 0
    try:
        while (message := wire.receive()) is not None:
            wire.send(answer(message, wire))
            _prepare()
    except (Gone, KeyboardInterrupt):
        pass
    except BaseException as wrong:
        traceback.print_exception(wrong)
        code = 1
    sys.stderr.flush()
    os._exit(code)  # Without the second that unloading everything takes.


def _end_with_the_platform() -> None:
    """End when nobody is left to write to us: a statement may compute for minutes without a question."""
    if hasattr(select, "poll"):
        watch = select.poll()
        watch.register(0, 0)  # Nothing but its end.
        watch.poll()
        os._exit(0)


def _load() -> None:
    """Load what every statement needs, so that the first one does not wait for it."""
    try:
        from lakemill.lakesql import execution

        execution.warm()
    except ImportError as lacking:
        print(_lacking(lacking), file=sys.stderr)
    gc.collect()
    gc.freeze()


def _prepare() -> None:
    """Have an instance ready for the next statement."""
    gc.collect()
    with contextlib.suppress(ImportError):
        from lakemill.lakesql import instances

        instances.prepare()


def _lacking(error: ImportError) -> str:
    return f"{error}; SQL on the lake needs: pip install 'lakemill[lake]'"


def _data_bytes() -> int:
    """What counts as memory of its own already; 0 where the system does not tell."""
    with contextlib.suppress(OSError), open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData:"))
    return 0


if __name__ == "__main__":
    main()
