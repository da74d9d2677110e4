"""The process of a warehouse: python -m lakemill.warehouse.worker [--memory-mib N]

What is said is in interface.py. The process ends when its standard input does, also while it works, so it never
outlives the platform. All it prints goes to standard error.
"""

import argparse
import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

import msgspec

from lakemill.formats.answering import do_without, limit_data
from lakemill.formats.messages import framed, read_message
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import LakeRefused
from lakemill.warehouse.interface import Batch, Document, Warehouse
from lakemill.warehouse.platform import Platform

STACK_MIB = 8
"""Of a thread. Much of it is never touched, but counts."""
BESIDE_MIB = 1024 + 600 * STACK_MIB
"""What the process may need beside DuckDB's memory: stacks of threads, blocks that are read and sent in Python."""
MODULE = "lakemill.warehouse.worker"


class Wire:
    """Messages to the platform; threads take turns."""

    def __init__(self, target: BinaryIO) -> None:
        self._target, self._turn = target, threading.Lock()

    def send(self, message: Document) -> None:
        """Send it; the process ends where nobody listens any more."""
        data = framed(message)
        try:
            with self._turn:
                self._target.write(data)
                self._target.flush()
        except (BrokenPipeError, ValueError):
            os._exit(0)


class Process:
    """`interface.Process`: what the platform calls. Each call has a thread of its own."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.platform = Platform(wire.send)
        self._open: Any = None

    def call(self, message: Document) -> None:
        """Carry out a call, and tell its outcome."""
        number = message["call"]
        try:
            method = self._method(message["method"])
            value = method(number, **message.get("with", {}))
        except SqlFailed as failed:
            self._failed(number, failed.code, failed.message)
        except LakeRefused as refused:
            self._failed(number, refused.code, refused.message)
        except Exception as wrong:
            traceback.print_exception(wrong)
            self._failed(number, "XX000", f"{type(wrong).__name__}: {wrong}")
        else:
            self._wire.send({"returned": number, "value": value})

    def _failed(self, number: int, code: str, message: str) -> None:
        self._wire.send({"failed": number, "error": {"code": code, "message": message}})

    def _method(self, name: str) -> Callable[..., Any]:
        methods: dict[str, Callable[..., Any]] = {
            "open": self._opened,
            "execute": self._execute,
            "cancel": self._cancel,
            "end_session": self._end_session,
            "configure": self._configure,
            "snapshot": self._snapshot,
            "close": self._close,
        }
        if name not in methods:
            raise SqlFailed("0A000", f"there is no method {name}")
        if self._open is None and name != "open":
            raise SqlFailed("55000", "the warehouse is not open")
        return methods[name]

    def _opened(self, number: int, warehouse: Document) -> Document:
        from lakemill.warehouse.opened import Opened

        if self._open is not None:
            raise SqlFailed("55000", "a warehouse is open already")
        self._open = Opened(msgspec.convert(warehouse, Warehouse), self.platform)
        return {"port": self._open.port}

    def _execute(self, number: int, batch: Document) -> list[Document]:
        def started(statement: int) -> None:
            self._wire.send({"progress": number, "value": {"started": statement}})

        outcome = self._open.batches.execute(msgspec.convert(batch, Batch), started)
        return [msgspec.to_builtins(executed) for executed in outcome]

    def _cancel(self, number: int, id: str) -> bool:
        return self._open.batches.cancel(id)

    def _end_session(self, number: int, session: str) -> None:
        self._open.batches.end_session(session)

    def _configure(self, number: int, parameters: dict[str, str]) -> None:
        self._open.configure(parameters)

    def _snapshot(self, number: int, folder: str) -> int:
        return self._open.snapshot(folder)

    def _close(self, number: int) -> None:
        self._open.close()


def main() -> None:
    """Answer calls until there are no more."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}")
    parser.add_argument("--memory-mib", type=int, default=0, help="memory that statements may use; 0: any")
    memory_mib = parser.parse_args().memory_mib
    # Arrow's own allocator sets a GiB aside, which the limit would count.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    do_without("pandas")  # DuckDB and Arrow would load it only to see that nothing they are given is of it.
    source, wire = os.fdopen(os.dup(0), "rb"), Wire(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # Whatever prints must not come between the messages.
    if memory_mib:
        limit_data((memory_mib + BESIDE_MIB) << 20)
    threading.stack_size(STACK_MIB << 20)  # Statements can be deep.
    process = Process(wire)
    try:
        while (message := read_message(source.read)) is not None:
            if "call" in message:
                threading.Thread(target=process.call, args=(message,), daemon=True).start()
            else:
                process.platform.answered(message)
    except KeyboardInterrupt:
        pass
    sys.stderr.flush()
    os._exit(0)  # Whatever was committed is in the files; whoever still works, works for nobody.


if __name__ == "__main__":
    main()
