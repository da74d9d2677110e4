"""The certificate that warehouses show, in a file that their processes read."""

import os
from collections.abc import Callable
from pathlib import Path

Certificate = Callable[[], tuple[bytes, bytes]]
"""Makes chain and key, PEM."""


def written(folder: Path, make: Certificate) -> str:
    """The path of a file with both, readable by its owner only."""
    path = folder / "server.pem"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(b"".join(make()))
    return str(path)
