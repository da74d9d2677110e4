"""Where Flink is: environments of Python that have PyFlink, which brings Flink's own programs with it.

PyFlink asks for older packages than lakemill, so it never lies in lakemill's own environment. An environment serves the
one version of Flink it holds, and is looked for on the disk whenever it is needed: one that is made while the platform
runs is found without a new start.
"""

import dataclasses
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from lakemill.engines.flink.errors import FlinkMissing

Version = tuple[int, int]

PINS: dict[Version, str] = {(1, 20): "1.20.5", (2, 3): "2.3.0"}
"""The releases lakemill is tested with, by their version. The first number of a runtime's name is Flink's major one."""

HOME = Path("~/.local/share/lakemill")
NAMES = "flink*"


@dataclasses.dataclass(frozen=True)
class Environment:
    python: Path
    home: Path
    """Flink's folder: `lib`, `opt`, `plugins`."""
    java: str
    version: Version


class Environments:
    """given: programs of Python. None: those where `make flink` and the command of a refusal put them."""

    def __init__(self, given: Sequence[Path] = ()) -> None:
        self._given = [one.expanduser().absolute() for one in given]

    def find(self, version: Version) -> Environment:
        """The environment for a version. Raises FlinkMissing."""
        for python in self._programs():
            if (home := _home(python, version)) is not None:
                return Environment(python, home, _java(), version)
        name = ".".join(map(str, version))
        where = f" at {', '.join(map(str, self._given))}" if self._given else ""
        raise FlinkMissing(f"PyFlink {name} is not installed{where}", command(version))

    def _programs(self) -> list[Path]:
        if self._given:
            return self._given
        folders = (HOME.expanduser(), Path(sys.prefix).parent / ".venvs")
        return [python for folder in folders for python in sorted(folder.glob(f"{NAMES}/bin/python"))]


def command(version: Version) -> str:
    """What installs PyFlink where it is found.

    >>> command((2, 3)).rpartition("/bin/")[2]
    'python -m pip install apache-flink==2.3.0'
    """
    place = f"{HOME}/flink-{'.'.join(map(str, version))}"
    return f"python3.11 -m venv {place} && {place}/bin/python -m pip install apache-flink=={PINS[version]}"


def _home(python: Path, version: Version) -> Path | None:
    """Flink's folder in the environment of this program, if it holds this version."""
    name = ".".join(map(str, version))
    for packages in python.parent.parent.glob("lib/python3*/site-packages"):
        if any(packages.glob(f"apache_flink-{name}.*.dist-info")) and (packages / "pyflink").is_dir():
            return packages / "pyflink"
    return None


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin" if home else None) or shutil.which("java")
    if found is None:
        raise FlinkMissing("Flink needs Java 17, which is not installed", "apt-get install openjdk-17-jre-headless")
    return found
