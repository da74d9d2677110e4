"""Pipe mode: the process that fills the FIFOs of one host.

`python -m lakemill.container.pipes PLAN` reads a plan that the platform wrote:

    {"folder": ".../input/data", "failure": ".../failure",
     "channels": {"train": {"files": [...], "gzip": false, "wrap": false, "seed": null}}}

For each channel it makes `<channel>_0` in the folder. When a reader opens it, `<channel>_1` is made, and the files are
written in order, the end of the last one being the end of the pass; and so on, as often as somebody reads. A reader
that closes early has had enough of that pass. seed: the order of the files is drawn anew for each pass.

It ends with SIGTERM, or with code 1 and a reason in the failure file when a file cannot be read.
"""

import contextlib
import errno
import fcntl
import gzip
import json
import os
import random
import signal
import sys
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from lakemill.formats import recordio

PIECE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    plan = json.loads(Path(arguments[0]).read_text())
    failed = threading.Semaphore(0)

    def run(name: str, channel: Mapping[str, Any]) -> None:
        def tell(wrong: Exception) -> None:
            if isinstance(wrong, (OSError, EOFError, zlib.error)):
                text = f"ClientError: Data of channel {name} could not be read: {wrong}"
            else:
                text = f"InternalServerError: Channel {name}: {type(wrong).__name__}: {wrong}"
            _tell(Path(plan["failure"]), text)

        try:
            feed(Path(plan["folder"]), name, channel, tell)
        finally:
            failed.release()

    for name in plan["channels"]:
        make_fifo(Path(plan["folder"]), name, 0)
    for name, channel in plan["channels"].items():
        threading.Thread(target=run, args=(name, channel), daemon=True).start()
    failed.acquire()
    return 1


def feed(folder: Path, name: str, channel: Mapping[str, Any], tell: Callable[[Exception], None]) -> None:
    """Fill one FIFO after the other, until a file cannot be read.

    tell hears of that before the reader sees the end of the pass: it could be content with what it got, and be done.
    """
    number = 0
    while True:
        writing = os.open(folder / f"{name}_{number}", os.O_WRONLY)  # Waits for the reader.
        try:
            with contextlib.suppress(OSError):  # A larger pipe means fewer changes between writer and reader.
                fcntl.fcntl(writing, F_SETPIPE_SZ, PIECE_BYTES)
            make_fifo(folder, name, number + 1)
            with contextlib.suppress(BrokenPipeError):
                write_pass(writing, channel, number)
        except Exception as wrong:
            tell(wrong)
            return
        finally:
            os.close(writing)
        number += 1


def write_pass(writing: int, channel: Mapping[str, Any], number: int) -> None:
    """Everything of one pass. Raises BrokenPipeError when the reader has closed."""
    files = list(channel["files"])
    if channel["seed"] is not None:
        random.Random(f"{channel['seed']}/{number}").shuffle(files)
    for path in files:
        if channel["gzip"] or channel["wrap"]:
            for piece in _pieces(path, channel["gzip"], channel["wrap"]):
                _write(writing, piece)
        else:
            with open(path, "rb", buffering=0) as file:
                _pass_on(file, writing)


def make_fifo(folder: Path, name: str, number: int) -> None:
    """The FIFO of a pass; one that is there stays."""
    with contextlib.suppress(FileExistsError):
        os.mkfifo(folder / f"{name}_{number}", 0o600)


def _pieces(path: str, packed: bool, wrapped: bool) -> Iterator[bytes]:
    with open(path, "rb") as stored, gzip.GzipFile(fileobj=stored) if packed else stored as file:
        if wrapped:
            yield recordio.encode([file.read()])
            return
        while piece := file.read(PIECE_BYTES):
            yield piece


def _pass_on(file: BinaryIO, writing: int) -> None:
    """A file into the pipe, inside the kernel where it can."""
    if not hasattr(os, "splice"):
        while piece := file.read(PIECE_BYTES):
            _write(writing, piece)
        return
    try:
        while os.splice(file.fileno(), writing, PIECE_BYTES):
            pass
    except OSError as wrong:
        if wrong.errno != errno.EINVAL:  # A file system that cannot; nothing of this call was written.
            raise
        while piece := file.read(PIECE_BYTES):
            _write(writing, piece)


def _write(writing: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(writing, view) :]


def _tell(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.partial")
    beside.write_text(text)
    beside.rename(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
