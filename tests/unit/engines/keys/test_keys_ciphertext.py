"""Ciphertexts: opened by the same key under the same context, and by nothing else."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakemill.engines.keys import CiphertextInvalid
from lakemill.engines.keys.ciphertext import Origin, decrypt, encrypt, origin_of

MATERIAL = b"m" * 32
ORIGIN = Origin("000000000000/us-east-1", str(uuid.UUID(int=5)), 3)
CONTEXTS = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4)


@given(st.binary(max_size=200), CONTEXTS)
def test_what_goes_in_comes_out(plaintext, context):
    sealed = encrypt(ORIGIN, MATERIAL, plaintext, context)
    assert decrypt(sealed, MATERIAL, dict(reversed(context.items()))) == plaintext
    assert origin_of(sealed) == ORIGIN


@given(CONTEXTS, CONTEXTS)
def test_another_context_does_not_open_it(one, other):
    sealed = encrypt(ORIGIN, MATERIAL, b"secret", one)
    if one != other:
        with pytest.raises(CiphertextInvalid):
            decrypt(sealed, MATERIAL, other)


def test_pairs_cannot_be_moved_between_name_and_value():
    sealed = encrypt(ORIGIN, MATERIAL, b"secret", {"ab": "c"})
    with pytest.raises(CiphertextInvalid):
        decrypt(sealed, MATERIAL, {"a": "bc"})


def test_no_byte_can_be_changed():
    sealed = encrypt(ORIGIN, MATERIAL, b"secret", {})
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(CiphertextInvalid):
            decrypt(bytes(changed), MATERIAL, {})


@given(st.binary(max_size=120))
def test_what_is_no_ciphertext_is_refused(garbage):
    with pytest.raises(CiphertextInvalid):
        decrypt(garbage, MATERIAL, {})


def test_the_same_plaintext_never_looks_the_same():
    assert len({encrypt(ORIGIN, MATERIAL, b"x", {}) for _ in range(50)}) == 50
