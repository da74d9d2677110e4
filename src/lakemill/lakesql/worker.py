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
from collections.abc import Sequence
from typing import Any, BinaryIO

import msgspec

from lakemill.formats.answering import limit_data
from lakemill.formats.messages import framed, read_message
from lakemill.lakesql.interface import Document, Failure, LakeRefused, Source, Statement

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


class RemoteLake:
    """The Lake of interface.py, by asking the platform."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def _ask(self, method: str, **arguments: Any) -> Any:
        return self._wire.ask({"ask": method, "with": arguments})

    def databases(self) -> list[Document]:
        return self._ask("databases")

    def database(self, name: str) -> Document:
        return self._ask("database", name=name)

    def create_database(self, definition: Document) -> None:
        self._ask("create_database", definition=definition)

    def update_database(self, definition: Document) -> None:
        self._ask("update_database", definition=definition)

    def drop_database(self, name: str, cascade: bool) -> None:
        self._ask("drop_database", name=name, cascade=cascade)

    def tables(self, database: str) -> list[Document]:
        return self._ask("tables", database=database)

    def table(self, database: str, name: str) -> Document:
        return self._ask("table", database=database, name=name)

    def create_table(self, database: str, definition: Document, partitions: Sequence[Document] = ()) -> None:
        also = {"partitions": list(partitions)} if partitions else {}
        self._ask("create_table", database=database, definition=definition, **also)

    def update_table(self, database: str, definition: Document, expected: str | None = None) -> None:
        also = {"expected": expected} if expected is not None else {}
        self._ask("update_table", database=database, definition=definition, **also)

    def rename_table(self, database: str, name: str, to_database: str, definition: Document) -> None:
        self._ask("rename_table", database=database, name=name, to_database=to_database, definition=definition)

    def drop_table(self, database: str, name: str, location: str | None = None) -> None:
        also = {"location": location} if location is not None else {}
        self._ask("drop_table", database=database, name=name, **also)

    def partitions(self, database: str, table: str, expression: str | None) -> list[Document]:
        return self._ask("partitions", database=database, table=table, expression=expression)

    def add_partitions(self, database: str, table: str, definitions: list[Document]) -> list[str | None]:
        return self._ask("add_partitions", database=database, table=table, definitions=definitions)

    def update_partition(self, database: str, table: str, values: list[str], definition: Document) -> None:
        self._ask("update_partition", database=database, table=table, values=values, definition=definition)

    def drop_partitions(self, database: str, table: str, values: list[list[str]]) -> None:
        self._ask("drop_partitions", database=database, table=table, values=values)

    def objects(self, location: str, after: str = "") -> list[Source]:
        return msgspec.convert(self._ask("objects", location=location, after=after), list[Source])

    def fetch(self, uris: list[str]) -> list[str]:
        return self._ask("fetch", uris=uris)

    def store(self, path: str, uri: str) -> None:
        self._ask("store", path=path, uri=uri)

    def remove(self, uris: list[str]) -> None:
        self._ask("remove", uris=uris)


def answer(message: Any, wire: Wire) -> dict[str, Any]:
    """The outcome of a statement, or why it failed; what went wrong is told, not raised. Raises Gone only."""
    try:
        from lakemill.lakesql import execution

        statement = msgspec.convert(message["statement"], Statement)
    except ImportError as lacking:
        return {"failed": _built(Failure(message=f"GENERIC_INTERNAL_ERROR: {_lacking(lacking)}", category=1))}
    except (msgspec.ValidationError, KeyError, TypeError) as wrong:
        return {"failed": _built(Failure(message=f"GENERIC_INTERNAL_ERROR: {wrong}", category=1))}

    def told(count: int) -> None:
        wire.send({"progress": {"scanned_bytes": count}})

    outcome = execution.carry_out(statement, RemoteLake(wire), told)
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
