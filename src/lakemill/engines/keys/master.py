"""The master key: one file that all key material is sealed with.

32 random bytes as 64 hexadecimal digits and a newline, mode 0600, made at the first start. Who loses it loses every
key; who copies it together with the metadata has every key. So a backup needs both, and both need care.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lakemill.engines.keys.errors import MasterKeyUnfit

NONCE_BYTES = 12


class MasterKey:
    """Seals and opens key material.

    >>> import tempfile
    >>> master = MasterKey(Path(tempfile.mkdtemp()) / "master.key")
    >>> master.open(master.seal(b"secret", b"key 1"), b"key 1")
    b'secret'
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._secret = _read(path) if path.exists() else _make(path)
        self._cipher = AESGCM(self._secret)

    def seal(self, material: bytes, about: bytes) -> bytes:
        """AES-256-GCM under a fresh nonce, which stands in front; `about` is bound to it."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, material, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Raises MasterKeyUnfit."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
        except InvalidTag:
            raise MasterKeyUnfit(
                f"{self._path} is not the master key that this data folder's keys were sealed with; put the right one "
                "back from a backup"
            ) from None

    def derived(self, purpose: str, size: int = 32) -> bytes:
        """A secret of its own for a purpose, always the same (HMAC-SHA-512 of the purpose, cut)."""
        return hmac.new(self._secret, purpose.encode(), hashlib.sha512).digest()[:size]


def _read(path: Path) -> bytes:
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise MasterKeyUnfit(f"{path} does not hold a master key (64 hexadecimal digits)")
    return secret


def _make(path: Path) -> bytes:
    secret = secrets.token_bytes(32)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(handle)
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return secret
