"""Asymmetric and HMAC keys, held against `cryptography` used directly and against published vectors."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from lakemill.engines.keys import SPECS, CiphertextInvalid, KeyUsageInvalid, asymmetric


@pytest.fixture(scope="module")
def material():
    """Material by spec, made once."""
    made = {}

    def of(name):
        if name not in made:
            made[name] = SPECS[name].material()
        return made[name]

    return of


SIGNING = [
    (name, algorithm)
    for name in ("RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1")
    for algorithm in SPECS[name].usages["SIGN_VERIFY"]
]


@pytest.mark.parametrize(("name", "algorithm"), SIGNING)
def test_a_signature_is_the_keys_over_the_message(material, name, algorithm):
    secret, message = material(name), b"a message"
    made = asymmetric.sign(secret, algorithm, message, digest=False)
    digest = hashlib.new(f"sha{algorithm[-3:]}", message).digest()
    assert asymmetric.verifies(secret, algorithm, message, made, digest=False)
    assert asymmetric.verifies(secret, algorithm, digest, made, digest=True)
    assert not asymmetric.verifies(secret, algorithm, b"another", made, digest=False)
    assert not asymmetric.verifies(secret, algorithm, message, made[:-1] + b"\x00", digest=False)


def test_others_verify_with_the_public_half(material):
    made = asymmetric.sign(material("ECC_NIST_P256"), "ECDSA_SHA_256", b"m", digest=False)
    public = serialization.load_der_public_key(asymmetric.public_key(material("ECC_NIST_P256")))
    public.verify(made, b"m", ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(("algorithm", "most"), [("RSAES_OAEP_SHA_1", 214), ("RSAES_OAEP_SHA_256", 190)])
def test_rsa_encrypts_as_much_as_fits(material, algorithm, most):
    secret = material("RSA_2048")
    assert asymmetric.plaintext_bytes_max(secret, algorithm) == most
    sealed = asymmetric.encrypt(secret, algorithm, b"x" * most)
    assert asymmetric.decrypt(secret, algorithm, sealed) == b"x" * most
    with pytest.raises(CiphertextInvalid):
        asymmetric.decrypt(secret, algorithm, sealed[:-1] + b"\x00")


def test_others_encrypt_with_the_public_half(material):
    public = serialization.load_der_public_key(asymmetric.public_key(material("RSA_2048")))
    scheme = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    assert asymmetric.decrypt(material("RSA_2048"), "RSAES_OAEP_SHA_256", public.encrypt(b"hello", scheme)) == b"hello"


def test_hmac_is_that_of_rfc_4231():
    # Test case 2 of https://www.rfc-editor.org/rfc/rfc4231#section-4.3
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert asymmetric.mac(b"Jefe", "HMAC_SHA_256", b"what do ya want for nothing?").hex() == expected


def test_two_agree_on_a_secret(material):
    mine, theirs = material("ECC_NIST_P256"), SPECS["ECC_NIST_P256"].material()
    assert asymmetric.agreed(mine, asymmetric.public_key(theirs)) == asymmetric.agreed(
        theirs, asymmetric.public_key(mine)
    )
    with pytest.raises(KeyUsageInvalid):
        asymmetric.agreed(mine, asymmetric.public_key(material("ECC_NIST_P384")))
    with pytest.raises(KeyUsageInvalid):
        asymmetric.agreed(mine, b"no key")
