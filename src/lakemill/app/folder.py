"""The data folder: used by one lakemill at a time, with the root key beside the data."""

import os
from pathlib import Path

from filelock import FileLock, Timeout

from lakemill.engines.identity import Identity
from lakemill.gateway.authority import write_private


class AlreadyRunning(Exception):
    """Another lakemill uses this data folder. Fields: data, holder (pid or "")."""

    def __init__(self, data: Path, holder: str) -> None:
        who = f" (process {holder})" if holder else ""
        super().__init__(f"another lakemill{who} is using {data}; stop it, or choose another folder with --data")
        self.data, self.holder = data, holder


def lock(data: Path) -> FileLock:
    """Hold the folder. Raises AlreadyRunning."""
    path = data / "lock"
    held = FileLock(path)
    try:
        held.acquire(timeout=0)
    except Timeout:
        holder = (data / "pid").read_text().strip() if (data / "pid").exists() else ""
        raise AlreadyRunning(data, holder) from None
    (data / "pid").write_text(str(os.getpid()))
    return held


def root_key(identity: Identity, data: Path) -> tuple[str, str]:
    """Access key id and secret of the account's root, made at the first start and kept in DATA/credentials (0600)."""
    key = identity.root_key()
    path = data / "credentials"
    text = f"[default]\naws_access_key_id = {key.access_key_id}\naws_secret_access_key = {key.secret}\n"
    if not path.exists() or path.read_text() != text:
        write_private(path, text.encode())
    return key.access_key_id, key.secret
