"""Kinds of key: what they are made of, and what each may be used for.

Names are those of the field's best-known key service; algorithms are lists in the order it shows them.
"""

import dataclasses
import secrets
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ENCRYPT, SIGN, MAC, AGREE = "ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"
"""Usages."""

SYMMETRIC = "SYMMETRIC_DEFAULT"


@dataclasses.dataclass(frozen=True)
class Spec:
    """One kind. usages: usage -> its algorithms. curve or bits: what an asymmetric one is made with."""

    name: str
    usages: dict[str, tuple[str, ...]]
    secret_bytes: int = 0
    """Bytes of a secret key's material; 0 for asymmetric ones."""
    bits: int = 0
    curve: type[ec.EllipticCurve] | None = None

    @property
    def asymmetric(self) -> bool:
        return not self.secret_bytes

    def material(self) -> bytes:
        """Fresh material: a secret, or a private key (PKCS #8, DER). Blocks; large RSA keys take a second."""
        if self.secret_bytes:
            return secrets.token_bytes(self.secret_bytes)
        private: Any
        if self.curve is not None:
            private = ec.generate_private_key(self.curve())
        else:
            private = rsa.generate_private_key(65537, self.bits)
        return private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


_RSA_SIGNATURES = tuple(f"RSASSA_{padding}_SHA_{bits}" for padding in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512))


def _rsa(bits: int) -> Spec:
    encryption = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
    return Spec(f"RSA_{bits}", {ENCRYPT: encryption, SIGN: _RSA_SIGNATURES}, bits=bits)


def _curve(name: str, curve: type[ec.EllipticCurve], bits: int, *, agree: bool = True) -> Spec:
    usages: dict[str, tuple[str, ...]] = {SIGN: (f"ECDSA_SHA_{bits}",)}
    return Spec(name, usages | ({AGREE: ("ECDH",)} if agree else {}), curve=curve)


SPECS = {
    spec.name: spec
    for spec in (
        Spec(SYMMETRIC, {ENCRYPT: (SYMMETRIC,)}, secret_bytes=32),
        *(Spec(f"HMAC_{bits}", {MAC: (f"HMAC_SHA_{bits}",)}, secret_bytes=bits // 8) for bits in (224, 256, 384, 512)),
        *(_rsa(bits) for bits in (2048, 3072, 4096)),
        _curve("ECC_NIST_P256", ec.SECP256R1, 256),
        _curve("ECC_NIST_P384", ec.SECP384R1, 384),
        _curve("ECC_NIST_P521", ec.SECP521R1, 512),
        _curve("ECC_SECG_P256K1", ec.SECP256K1, 256, agree=False),
    )
}

HASHES: dict[str, hashes.HashAlgorithm] = {
    "1": hashes.SHA1(),
    "224": hashes.SHA224(),
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}


def digest_of(algorithm: str) -> hashes.HashAlgorithm:
    """The hash an algorithm's name ends with.

    >>> digest_of("RSASSA_PSS_SHA_384").name
    'sha384'
    """
    return HASHES[algorithm.rpartition("_")[2]]
