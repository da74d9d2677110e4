"""The examples in docstrings run, and give what they say."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"
MODULES = sorted(
    path for path in SOURCE.rglob("*.py") if "\n    >>> " in path.read_text() or "\n>>> " in path.read_text()
)
COMPILED = ("algorithms", "formats/jsonpaths.py", "matching", "mltransforms", "streamsql")
"""Their examples train models or compile kernels."""
PROGRAM = """
import doctest, importlib, sys

for name in sys.argv[1:]:
    doctest.testmod(importlib.import_module(name))
"""


def name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


def compiled(path: Path) -> bool:
    return path.relative_to(SOURCE / "lakemill").as_posix().startswith(COMPILED)


def failures(paths: list[Path]) -> str:
    """In a process of its own, for some of the modules change the one that they are in."""
    command = [sys.executable, "-c", PROGRAM, *map(name, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    return done.stdout + (done.stderr if done.returncode else "")


def test_examples_give_what_they_say():
    assert len(MODULES) > 200
    assert failures([path for path in MODULES if not compiled(path)]) == ""


@pytest.mark.slow
def test_examples_of_algorithms_give_what_they_say():
    assert failures([path for path in MODULES if compiled(path)]) == ""
