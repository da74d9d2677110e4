"""The command line of a worker, inside the sandbox it asks for."""

from collections.abc import Sequence
from pathlib import Path

from lakemill.engines.functions.errors import FunctionUnavailable
from lakemill.engines.functions.function import Launch
from lakemill.ports.compute.port import ComputeRefused
from lakemill.ports.compute.sandbox import wrap


def command(launch: Launch) -> list[str]:
    """What to run. Raises FunctionUnavailable, naming what this machine lacks."""
    try:
        argv, _ = wrap(launch.argv, launch.mounts, network=True, folder=launch.folder)
    except ComputeRefused as refused:
        raise FunctionUnavailable(str(refused)) from None
    if not launch.mounts:
        return argv
    place = argv.index("--info-fd")  # Told to a supervisor elsewhere; a worker says its pid itself.
    del argv[place : place + 2]
    place = argv.index("--chdir")
    sealed = [option for path in launch.mounts for option in ("--remount-ro", path)]
    argv[place:place] = [*sealed, *_veil(launch.hidden, launch.kept)]
    return argv


def _veil(hidden: Path | None, kept: Sequence[Path]) -> list[str]:
    """Options that put an empty folder in place of `hidden`, with what is kept of it bound into it again."""
    if hidden is None:
        return []
    options = ["--tmpfs", str(hidden)]
    for path in kept:
        options += ["--bind" if path.is_dir() else "--ro-bind", str(path), str(path)]
    return options
