"""What symmetric keys make: bytes that say themselves which key opens them.

    byte 0        1, the layout's version
    byte 1        length of the scope
    ...           the scope, UTF-8
    16 bytes      the key's id
    4 bytes       the version of its material, big-endian
    16 bytes      salt
    ...           AES-256-GCM of the plaintext, tag at the end

Each is encrypted under a key and nonce of its own, HKDF-SHA-256 (RFC 5869) of the material with the salt, so a key may
encrypt as often as one likes. All that stands before, and the context, are bound to it: a context is its pairs, sorted,
each name and value with its length in front.
"""

import dataclasses
import secrets
import struct
import uuid
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lakemill.engines.keys.errors import CiphertextInvalid

LAYOUT = 1
SALT_BYTES = 16
TAG_BYTES = 16

Context = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Origin:
    """Which key made it: scope, id, version of its material."""

    scope: str
    key_id: str
    version: int


def encrypt(origin: Origin, material: bytes, plaintext: bytes, context: Context) -> bytes:
    """
    >>> origin = Origin("000000000000/us-east-1", str(uuid.UUID(int=7)), 1)
    >>> sealed = encrypt(origin, b"k" * 32, b"hello", {"purpose": "test"})
    >>> origin_of(sealed) == origin
    True
    >>> decrypt(sealed, b"k" * 32, {"purpose": "test"})
    b'hello'
    """
    scope = origin.scope.encode()
    head = bytes([LAYOUT, len(scope)]) + scope + uuid.UUID(origin.key_id).bytes + struct.pack(">I", origin.version)
    salt = secrets.token_bytes(SALT_BYTES)
    key, nonce = _derived(material, salt)
    return head + salt + AESGCM(key).encrypt(nonce, plaintext, head + _packed(context))


def origin_of(ciphertext: bytes) -> Origin:
    """Raises CiphertextInvalid for bytes that are none of ours."""
    head, _ = _split(ciphertext)
    return Origin(head[2:-20].decode(), str(uuid.UUID(bytes=head[-20:-4])), struct.unpack(">I", head[-4:])[0])


def decrypt(ciphertext: bytes, material: bytes, context: Context) -> bytes:
    """Raises CiphertextInvalid."""
    head, body = _split(ciphertext)
    key, nonce = _derived(material, body[:SALT_BYTES])
    try:
        return AESGCM(key).decrypt(nonce, body[SALT_BYTES:], head + _packed(context))
    except InvalidTag:
        raise CiphertextInvalid from None


def _split(ciphertext: bytes) -> tuple[bytes, bytes]:
    """Head and body."""
    if len(ciphertext) < 2 or ciphertext[0] != LAYOUT:
        raise CiphertextInvalid
    end = 2 + ciphertext[1] + 20
    if len(ciphertext) < end + SALT_BYTES + TAG_BYTES:
        raise CiphertextInvalid
    try:
        ciphertext[2 : end - 20].decode()
    except UnicodeDecodeError:
        raise CiphertextInvalid from None
    return ciphertext[:end], ciphertext[end:]


def _derived(material: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Key and nonce of one ciphertext."""
    block = HKDF(hashes.SHA256(), 44, salt, b"lakemill ciphertext 1").derive(material)
    return block[:32], block[32:]


def _packed(context: Context) -> bytes:
    parts = []
    for name, value in sorted(context.items()):
        for text in (name.encode(), value.encode()):
            parts += [struct.pack(">I", len(text)), text]
    return b"".join(parts)
