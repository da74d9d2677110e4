"""Entities and addresses as numbers: the hash of an entity's text, the 32 bits of an IPv4 address.

An entity is hashed by 64-bit FNV-1a over its UTF-8 bytes, whose bits are then mixed as MurmurHash3 does at its end; the
upper 32 bits times the number of rows, divided by 2^32, is its row. `text_kernel` has the same for large inputs.
"""

import socket
from collections.abc import Iterable

import numpy as np

FNV_START, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
MIX_1, MIX_2 = 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53
_MASK = (1 << 64) - 1


def entity_hash(text: bytes) -> int:
    """The upper 32 bits of the mixed hash.

    >>> entity_hash(b"user_1") != entity_hash(b"user_2")
    True
    """
    value = FNV_START
    for byte in text:
        value = ((value ^ byte) * FNV_PRIME) & _MASK
    value = ((value ^ (value >> 33)) * MIX_1) & _MASK
    value = ((value ^ (value >> 33)) * MIX_2) & _MASK
    return (value ^ (value >> 33)) >> 32


def row_of(hashed: int, rows: int) -> int:
    """The row of an entity's hash among `rows`."""
    return (hashed * rows) >> 32


def entity_rows(entities: Iterable[bytes], rows: int) -> np.ndarray:
    """The rows of several entities, (n,) int32."""
    return np.array([row_of(entity_hash(one), rows) for one in entities], np.int32)


def address(text: str) -> int:
    """An address in dotted decimal as a number.

    Raises
    ------
    ValueError
        If it is not four numbers of 0 to 255 without leading zeros, which some programs take for octal.

    >>> hex(address("192.168.1.2"))
    '0xc0a80102'
    """
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET, text), "big")
    except (OSError, ValueError):
        raise ValueError(not_an_address(text)) from None


def not_an_address(text: str) -> str:
    """What is wrong with a text that should be an address."""
    shown = text if len(text) <= 60 else text[:57] + "..."
    return f"{shown!r} is no IPv4 address in dotted decimal such as 192.0.2.1"
