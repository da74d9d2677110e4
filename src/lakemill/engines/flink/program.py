"""What is to run, as whoever plans it says."""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from lakemill.engines.flink.environments import Version
from lakemill.ports.metadata import Transaction

Say = Callable[[str, str], Awaitable[None]]
"""Write (level, message) where the application's messages go."""
Keep = Callable[[Sequence[tuple[int, str]]], Callable[[Transaction], None]]
"""What keeps lines of the log, (ms since 1970, text), when it is called with a transaction."""


@dataclasses.dataclass(frozen=True)
class Program:
    """A program in Python for Flink. Paths are relative to the archive's root."""

    version: Version
    archive: Path
    """A zip file that holds all its files."""
    main: str
    environment: Callable[[], Awaitable[Mapping[str, str]]]
    """Variables of its processes; asked for at every start. Raises FlinkError."""
    say: Say
    keep: Keep
    files: Sequence[str] = ()
    """Modules, packages and archives of Python that it imports."""
    archives: Sequence[str] = ()
    """Zip files that are unpacked where its functions run."""
    jar: str | None = None
    """Connectors and other code in Java."""
    parallelism: int = 1
    log_level: str = "INFO"
    configuration: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Options of Flink."""
    shown: tuple[str, Mapping[str, bytes]] | None = None
    """A folder it finds (`/etc/flink`), and the files in it by their names."""
    platform: str = ""
    """Where the platform is, as the program was told; one that was told something else is not taken over."""
    good_s: float | None = None
    """For how long its environment is good; then it starts anew from its last checkpoint. None: for ever."""
    lenient: bool = False
    """State that has no place in the program any more is left out; otherwise it does not start from such a state."""
