"""Where Spark on Java is: an environment of Python that has PySpark, which brings Spark with it, and Java.

It never is lakemill's own, which has Spark's client only, under the same name. It is looked for on the disk whenever it
is needed: one that is made while the platform runs is found without a new start.
"""

import dataclasses
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

COMMAND = "make spark"
HOME = Path("~/.local/share/lakemill")
NAMES = "spark*"


class SparkMissing(Exception):
    """This machine has no environment for Spark on Java. Fields: what is missing (a sentence without its full stop),
    command (that brings it)."""

    def __init__(self, what: str, command: str) -> None:
        super().__init__(f"{what}. To install it: {command}")
        self.what, self.command = what, command


@dataclasses.dataclass(frozen=True)
class Environment:
    python: Path
    java: Path


class Environments:
    """given: programs of Python. None: those where `make spark` and people put them."""

    def __init__(self, given: Sequence[Path] = ()) -> None:
        self._given = [one.expanduser().absolute() for one in given]

    def find(self) -> Environment:
        """Raises SparkMissing."""
        for python in self._programs():
            if _has_spark(python):
                return Environment(python, _java())
        where = f" at {', '.join(map(str, self._given))}" if self._given else ""
        raise SparkMissing(f"PySpark with Java is not installed{where}", COMMAND)

    def _programs(self) -> list[Path]:
        if self._given:
            return self._given
        folders = (HOME.expanduser(), Path(sys.prefix).parent / ".venvs")
        return [python for folder in folders for python in sorted(folder.glob(f"{NAMES}/bin/python"))]


def _has_spark(python: Path) -> bool:
    """Whether Spark itself is there, not its client alone."""
    return any(any(one.glob("spark-core_*.jar")) for one in python.parent.parent.glob(_JARS))


_JARS = "lib/python3*/site-packages/pyspark/jars"


def _java() -> Path:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None) or shutil.which("java")
    if found is None:
        raise SparkMissing(
            "Spark needs Java 17 or later, which is not installed", "apt-get install openjdk-17-jre-headless"
        )
    return Path(found).resolve()
