"""Being a process that answers messages from its standard input on its standard output, one by one."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from lakemill.formats.messages import framed, read_message


def answer_all(module: str, answer: Callable[[Any], Any]) -> NoReturn:
    """Answer until there is nobody who asks. module: what is run; it takes --memory-mib."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--memory-mib", type=int, default=0, help="memory that the process may have; 0: any")
    limit_data(parser.parse_args().memory_mib << 20)
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # Whatever prints must not come between the answers.
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        while (message := read_message(source.read)) is not None:
            target.write(framed(answer(message)))
            target.flush()
    sys.stderr.flush()
    os._exit(0)  # Without the second that unloading everything takes.


def limit_data(size: int) -> None:
    """Let the process have no more than so many bytes of memory of its own; 0: any. Nothing happens where the system
    cannot do that."""
    if size:
        with contextlib.suppress(ImportError, ValueError, OSError):
            import resource

            resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def do_without(package: str) -> None:
    """Let a package that is not loaded yet be absent for this process, whoever asks for it."""

    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> None:
            if name == package:
                raise ModuleNotFoundError(f"this process does without {package}", name=package)

    sys.meta_path.insert(0, Finder)
