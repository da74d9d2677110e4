"""Arrays of numbers as they are in files: little-endian."""

import array
import sys


def little_endian(numbers: "array.array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def from_little_endian(kind: str, data: bytes | memoryview) -> "array.array[int]":
    numbers = array.array(kind)
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
