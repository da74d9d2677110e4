"""A channel folder as records.

Files are read in the order of their S3 keys (bytes of the path below the channel), sub-folders included. Names that
start with a dot are skipped, and names that start with an underscore where the channel holds records rather than
pictures (`_SUCCESS` and its like). A Pipe-mode channel is a FIFO for each pass, `<channel>_0`, `<channel>_1` ..., which
is read as it is filled.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lakemill.algorithms.errors import CustomerError, InternalError
from lakemill.algorithms.spec import AlgorithmSpec, Channel
from lakemill.container.layout import Layout
from lakemill.formats import content
from lakemill.formats.block import Block

FIFO_S = 300.0
_PICTURES = ("image/", "application/x-image")


class ChannelDataset:
    """Implements `lakemill.algorithms.contract.Dataset` over files, or over the FIFOs of a Pipe-mode channel."""

    def __init__(
        self,
        name: str,
        content_type: str,
        parameters: Mapping[str, str],
        files: list[Path],
        pipe: Callable[[int], Path] | None = None,
    ) -> None:
        self.name = name
        self.content_type = content_type
        self.parameters = parameters
        self.files = files
        self.streamed = pipe is not None
        self._pipe = pipe
        self._passes = 0

    def blocks(self, rows: int, **options: Any) -> Iterator[Block]:
        """The records in blocks of `rows`. Raises FormatError with file and line."""
        return content.iter_blocks(self._sources(), self._full_type(), rows, label_size_default=1, **options)

    def read(self, **options: Any) -> Block:
        """All records. Raises FormatError, or CustomerError when the files hold no record."""
        block = content.read(self._sources(), self._full_type(), label_size_default=1, **options)
        if not len(block):
            raise CustomerError(f"Channel {self.name} holds no records")
        return block

    def _sources(self) -> list[Path]:
        if self._pipe is None:
            return self.files
        fifo = self._pipe(self._passes)
        self._passes += 1
        _await(fifo)
        return [fifo]

    def _full_type(self) -> str:
        return ";".join([self.content_type, *(f"{name}={value}" for name, value in self.parameters.items())])


def open_channels(spec: AlgorithmSpec, layout: Layout) -> dict[str, ChannelDataset]:
    """Every configured channel, checked against the spec. Raises CustomerError."""
    configured = layout.channels()
    for channel in spec.channels:
        if channel.required and channel.name not in configured:
            raise CustomerError(f"{channel.name!r} is a required channel of {spec.name}; got {_listed(configured)}")
    return {name: _open(spec, layout, name, config) for name, config in configured.items()}


def _open(spec: AlgorithmSpec, layout: Layout, name: str, config: Mapping[str, str]) -> ChannelDataset:
    channel = spec.channel(name)
    if channel is None:
        known = ", ".join(one.name for one in spec.channels)
        raise CustomerError(f"Channel {name!r} is not one of {spec.name}; its channels are {known}")
    content_type, parameters = typed(channel, config.get("ContentType"))
    mode = config.get("TrainingInputMode", "File")
    if mode not in channel.input_modes and not (mode == "FastFile" and "File" in channel.input_modes):
        raise CustomerError(f"Channel {name} of {spec.name} cannot be read in {mode} mode")
    if mode == "Pipe":
        return ChannelDataset(name, content_type, parameters, [], lambda number: layout.pipe(name, number))
    files = records_below(layout.channel(name), content_type)
    if not any(path.stat().st_size for path in files) and len(layout.hosts().all) == 1:
        raise CustomerError(f"Channel {name} is empty: it holds no file with data")
    return ChannelDataset(name, content_type, parameters, files)


def typed(channel: Channel, given: str | None) -> tuple[str, dict[str, str]]:
    """Media type and parameters of a channel; its spec's first type where none is given.

    A parameter that the spec names (`text/csv;label_size=0`) holds unless the channel says otherwise.
    """
    implied = dict(_split(one) for one in reversed(channel.content_types))
    name, parameters = _split(given or channel.content_types[0])
    if name not in implied:
        allowed = ", ".join(channel.content_types)
        raise CustomerError(
            f"Content type {given} of channel {channel.name} is not supported; must be one of {allowed}"
        )
    return name, {**implied[name], **parameters}


def _split(content_type: str) -> tuple[str, dict[str, str]]:
    name, *rest = (part.strip() for part in content_type.split(";"))
    pairs = (part.partition("=") for part in rest if part)
    return name.lower(), {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}


def records_below(folder: Path, content_type: str) -> list[Path]:
    """The files to read below a folder, in key order."""
    skipped = (".",) if content_type.startswith(_PICTURES) else (".", "_")
    if not folder.is_dir():
        return []
    found = []
    for path in folder.rglob("*"):
        below = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(skipped) for part in below.parts):
            found.append((below.as_posix().encode(), path))
    return [path for _, path in sorted(found)]


def _await(fifo: Path) -> None:
    """The platform makes the FIFO of a pass when that of the one before is done with."""
    until = time.monotonic() + FIFO_S
    while not fifo.exists():
        if time.monotonic() > until:
            raise InternalError(f"The platform made no FIFO {fifo.name} within {FIFO_S:g} s")
        time.sleep(0.005)


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "no channel"
