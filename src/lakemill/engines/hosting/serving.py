"""What it takes to serve a model: its description, its files on this machine, the command that serves them.

The contract with the process: it finds the model under `<base>/model`, answers `GET /ping` with 200 when it is ready
and `POST /invocations` with an inference, on the port (and, where it can, the unix socket) it is told. `launch` puts
this into a command line and environment; another launcher may be handed in (tests do, and an image runtime can).
"""

import asyncio
import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lakemill.engines.hosting.artifacts import relative_names, unpack
from lakemill.engines.hosting.errors import ArtifactError
from lakemill.engines.loglines import LogLines
from lakemill.ports.clock import Clock
from lakemill.ports.compute.port import Compute

INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "OMP_NUM_THREADS")
"""Variables of the platform that a serving process gets, too; nothing secret is among them."""
SOCKET_PATH_BYTES_MAX = 100
SOCKET_FOLDER = "lakemill-"
"""The kernel's limit is 108 with the final zero."""
STOP_GRACE_S = 30.0
"""Between SIGTERM and SIGKILL."""


@dataclasses.dataclass(frozen=True)
class Model:
    """A model as it is served. Kept in endpoint documents, so its fields are plain data."""

    algorithm: str
    image: str = ""
    """The name its owner knows the runtime by."""
    archive: tuple[str, str] | None = None
    """Bucket and key of a model.tar.gz."""
    prefix: tuple[str, str] | None = None
    """Bucket and key prefix of unpacked files, instead of an archive."""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    isolated: bool = False
    """Without a network; then it can be reached by its socket alone."""
    principal: Any = None
    """Who the files are read as; means something to the `authorise` that is handed in, and to nobody here."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Model":
        """From `document()`, after it was stored."""
        known = {field.name for field in dataclasses.fields(cls)}
        values = {name: value for name, value in document.items() if name in known}
        for name in ("archive", "prefix"):
            if values.get(name) is not None:
                values[name] = tuple(values[name])
        return cls(**values)

    def document(self) -> dict[str, Any]:
        """Plain data."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Site:
    """Where a serving process will be."""

    base: Path
    """Holds `model`."""
    port: int
    """A free TCP port of 127.0.0.1."""
    socket: Path
    """Where it may listen on a unix socket."""


@dataclasses.dataclass(frozen=True)
class Launch:
    """How to start a serving process, and where it will listen."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    address: tuple[str, int] | Path


Launcher = Callable[[Model, Site], Launch]


def socket_place(folder: Path) -> Path:
    """Where a process of this folder may listen: in it, or in a short-named one of its own where the path is too long.

    The kernel takes about a hundred bytes of path for a unix socket; data folders may lie deeper.
    """
    inside = folder / "s"
    if len(str(inside).encode()) <= SOCKET_PATH_BYTES_MAX:
        return inside
    return Path(tempfile.gettempdir()) / f"{SOCKET_FOLDER}{folder.name}" / "s"


def prepare_socket(address: object) -> None:
    """Make the folder of an address; only its owner may enter it."""
    if isinstance(address, Path):
        address.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def forget_socket(address: object) -> None:
    """Remove the private folder `socket_place` made for an address, if it made one."""
    if isinstance(address, Path) and address.parent.name.startswith(SOCKET_FOLDER):
        shutil.rmtree(address.parent, ignore_errors=True)


def image_tag(image: str) -> str:
    """The tag of an image's name, by which algorithms answer as that version did; "" without one.

    >>> image_tag("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1")
    '1.7-1'
    """
    return image.rsplit("/", 1)[-1].partition("@")[0].partition(":")[2]


def launch(model: Model, site: Site) -> Launch:
    """Serve one of the built-in algorithms with lakemill's own container runtime.

    It is reached by its socket where the path fits: cheaper than TCP, and no stranger can sit on it.
    """
    argv = [sys.executable, "-m", "lakemill.container", "serve", "--algorithm", model.algorithm]
    environment = {
        **{name: os.environ[name] for name in INHERITED if name in os.environ},
        **model.environment,
        "SAGEMAKER_BASE_DIR": str(site.base),
        "SAGEMAKER_BIND_TO_PORT": str(site.port),
        "LAKEMILL_IMAGE_TAG": image_tag(model.image),
        "PYTHONUNBUFFERED": "1",
    }
    if len(str(site.socket).encode()) > SOCKET_PATH_BYTES_MAX:
        return Launch(argv, environment, ("127.0.0.1", site.port))
    return Launch(argv, environment | {"LAKEMILL_BIND_TO_SOCKET": str(site.socket)}, site.socket)


Authorise = Callable[[Model, str, str], None]
"""(model, bucket, key): raises ArtifactError when the model's principal may not read that object."""


@dataclasses.dataclass(frozen=True)
class Ground:
    """All that serving stands on, handed in once."""

    compute: Compute
    objects: Any
    """`engines.objects.Objects`."""
    lines: LogLines
    clock: Clock
    launcher: Launcher = launch
    authorise: Authorise = lambda model, bucket, key: None


async def prepare(ground: Ground, model: Model, base: Path) -> None:
    """Bring the model's files to `base/model`, unless they are there. Raises ArtifactError."""
    await asyncio.to_thread(prepare_blocking, ground, model, base)


def prepare_blocking(ground: Ground, model: Model, base: Path) -> None:
    """`prepare` from a thread."""
    base.mkdir(parents=True, exist_ok=True)
    folder = base / "model"
    if folder.is_dir():
        return
    if model.archive is not None:
        archive = base / "model.tar.gz"
        try:
            _download(ground, model, *model.archive, archive)
            unpack(archive, folder)
        finally:
            archive.unlink(missing_ok=True)
    elif model.prefix is not None:
        _download_tree(ground, model, *model.prefix, folder)
    else:
        folder.mkdir()


def _download(ground: Ground, model: Model, bucket: str, key: str, path: Path) -> None:
    ground.authorise(model, bucket, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        ground.objects.download(bucket, key, path)
    except Exception as error:  # The object store's own errors, whose names this engine need not know.
        text = f"the object {key!r} of bucket {bucket!r} cannot be read: {error}"
        raise ArtifactError(text, unpacking=False) from error


def _download_tree(ground: Ground, model: Model, bucket: str, prefix: str, folder: Path) -> None:
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    keys = (record.key for record in ground.objects.listing(bucket, prefix))
    found = 0
    for key, name in relative_names(keys, prefix):
        _download(ground, model, bucket, key, partial / name)
        found += 1
    if not found:
        raise ArtifactError(f"bucket {bucket!r} has no object under {prefix!r}", unpacking=False)
    partial.rename(folder)
