"""What bubblewrap and the kernel can do here, and the command line that asks for it.

Mounts and a network of one's own come from bubblewrap; without it, user and network namespaces give the network, and
mounts are not possible.
"""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lakemill.ports.compute.port import ComputeRefused

SUPERVISOR = Path(__file__).with_name("supervisor.py")


@functools.cache
def bubblewrap() -> str | None:
    """Its path, if it is here and the kernel lets it work."""
    found = shutil.which("bwrap")
    if found is None:
        return None
    trial = [found, "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent", "--", "/bin/sh", "-c", "exit 0"]
    return found if _succeeds(trial) else None


@functools.cache
def own_network_possible() -> bool:
    """Whether namespaces alone can give a process a network of its own."""
    return sys.platform == "linux" and _succeeds([sys.executable, "-I", "-S", str(SUPERVISOR), "--probe-network"])


def wrap(argv: Sequence[str], mounts: Mapping[str, Path], *, network: bool, folder: Path) -> tuple[list[str], bool]:
    """The command inside what it asks for, and whether the supervisor itself must give it its own network.

    Raises ComputeRefused, naming what is missing here.
    """
    if not mounts and network:
        return list(argv), False
    bwrap = bubblewrap()
    if bwrap is None:
        if mounts:
            paths = ", ".join(mounts)
            raise ComputeRefused(f"mounting {paths} needs bubblewrap (bwrap) and a kernel that lets it work")
        if not own_network_possible():
            raise ComputeRefused(
                "a process without network needs bubblewrap (bwrap) or unprivileged user namespaces; this machine "
                "has neither"
            )
        return list(argv), True
    options = [bwrap, "--die-with-parent", "--info-fd", "{info}"]
    options += _tree(mounts) if mounts else ["--dev-bind", "/", "/"]
    if not network:
        options.append("--unshare-net")
    return [*options, "--chdir", str(folder), "--", *argv], False


def _tree(mounts: Mapping[str, Path]) -> list[str]:
    """Options that show the machine's files, with the mounts laid over them.

    Mount points that do not exist must not be made on the machine, so the folders above them are built anew: an empty
    folder with each of the real one's entries bound into it.
    """
    missing = {Path(path) for path in mounts if not os.path.isdir(path)}
    rebuilt = {parent for path in missing for parent in path.parents}
    options: list[str] = []
    _show(Path("/"), rebuilt, options)
    for path, source in sorted(mounts.items()):
        options += ["--bind", str(source), path]
    return options


def _show(folder: Path, rebuilt: set[Path], options: list[str]) -> None:
    for entry in sorted(os.scandir(folder), key=lambda one: one.name) if folder.is_dir() else ():
        path = Path(entry.path)
        if entry.is_symlink():
            options += ["--symlink", os.readlink(entry.path), entry.path]
        elif path in rebuilt:
            options += ["--dir", entry.path]
            _show(path, rebuilt, options)
        else:
            options += ["--dev-bind", entry.path, entry.path]
    if folder == Path("/") and folder not in rebuilt:
        options[:] = ["--dev-bind", "/", "/"]


def _succeeds(argv: list[str]) -> bool:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
