"""What asymmetric and HMAC keys do. Material is a secret, or a private key in PKCS #8 (DER).

Algorithms go by the names in specs.py. Messages are whole ones, or their digests where `digest` says so.
"""

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from lakemill.engines.keys.errors import CiphertextInvalid, KeyUsageInvalid
from lakemill.engines.keys.specs import digest_of


def public_key(material: bytes) -> bytes:
    """The public half (SubjectPublicKeyInfo, DER)."""
    public = _private(material).public_key()
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def sign(material: bytes, algorithm: str, message: bytes, *, digest: bool) -> bytes:
    """A signature; for elliptic curves in DER (RFC 3279)."""
    private = _private(material)
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(message, *_rsa_scheme(algorithm, digest=digest))
    return private.sign(message, ec.ECDSA(_hash(algorithm, digest=digest)))


def verifies(material: bytes, algorithm: str, message: bytes, signature: bytes, *, digest: bool) -> bool:
    """Whether a signature is this key's for the message."""
    public = _private(material).public_key()
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, message, *_rsa_scheme(algorithm, digest=digest))
        else:
            public.verify(signature, message, ec.ECDSA(_hash(algorithm, digest=digest)))
    except InvalidSignature:
        return False
    return True


def mac(material: bytes, algorithm: str, message: bytes) -> bytes:
    """HMAC (RFC 2104)."""
    code = hmac.HMAC(material, digest_of(algorithm))
    code.update(message)
    return code.finalize()


def encrypt(material: bytes, algorithm: str, plaintext: bytes) -> bytes:
    """RSAES-OAEP (RFC 8017). Raises ValueError when the plaintext is too long for the key."""
    return _private(material).public_key().encrypt(plaintext, _oaep(algorithm))


def decrypt(material: bytes, algorithm: str, ciphertext: bytes) -> bytes:
    """Raises CiphertextInvalid."""
    try:
        plain: bytes = _private(material).decrypt(ciphertext, _oaep(algorithm))
    except ValueError:
        raise CiphertextInvalid from None
    return plain


def plaintext_bytes_max(material: bytes, algorithm: str) -> int:
    """The most that `encrypt` takes."""
    return _private(material).key_size // 8 - 2 * digest_of(algorithm).digest_size - 2


def agreed(material: bytes, other: bytes) -> bytes:
    """The secret that this key and another's public half (SubjectPublicKeyInfo, DER) have in common (ECDH).

    Raises KeyUsageInvalid when the other is no key of the same curve.
    """
    private = _private(material)
    try:
        public = serialization.load_der_public_key(other)
        if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name != private.curve.name:
            raise ValueError("another curve")
        secret: bytes = private.exchange(ec.ECDH(), public)
    except ValueError:
        raise KeyUsageInvalid("the public key is no key of the same curve") from None
    return secret


def _private(material: bytes) -> Any:
    return serialization.load_der_private_key(material, None)


def _hash(algorithm: str, *, digest: bool) -> Any:
    return utils.Prehashed(digest_of(algorithm)) if digest else digest_of(algorithm)


def _rsa_scheme(algorithm: str, *, digest: bool) -> tuple[Any, Any]:
    """Padding and hash of a signature."""
    if "_PSS_" not in algorithm:
        return padding.PKCS1v15(), _hash(algorithm, digest=digest)
    used = digest_of(algorithm)
    return padding.PSS(padding.MGF1(used), used.digest_size), _hash(algorithm, digest=digest)


def _oaep(algorithm: str) -> padding.OAEP:
    used: hashes.HashAlgorithm = digest_of(algorithm)
    return padding.OAEP(padding.MGF1(used), used, None)
