"""Decimal numbers made into the nearest doubles, compiled.

"Number Parsing at a Gigabyte per Second" (D. Lemire, Software: Practice and Experience 51(8), 2021): the digits times a
power of five of 128 bits, of which nearly always 64 are enough to round.
"""

# numba infers the types here.
# mypy: ignore-errors

import numpy as np

from lakemill.formats.bytes_kernel import high_bits, zeros_above
from lakemill.formats.jit import inner

LEAST, MOST = -60, 40
"""Powers of ten for which this is done: those that people write."""


def _fives(power: int) -> int:
    """The first 128 bits of five to the power; of a negative one rounded up."""
    if power >= 0:
        five = 5**power
        return five << 128 >> five.bit_length()
    five = 5**-power
    bits = (five - 1).bit_length()
    found = (1 << (bits + 127)) // five + 1 if power >= -27 else (1 << (2 * bits + 128)) // five + 1
    return found >> max(0, found.bit_length() - 128)


_HIGH = np.array([_fives(power) >> 64 for power in range(LEAST, MOST + 1)], np.uint64)
_LOW = np.array([_fives(power) & (1 << 64) - 1 for power in range(LEAST, MOST + 1)], np.uint64)


@inner
def double_bits(mantissa, power):
    """The bits of the double nearest to mantissa (uint64, above 0) times ten to the power (LEAST to MOST)."""
    place = power - LEAST
    empty = zeros_above(mantissa)
    mantissa <<= np.uint64(empty)
    high, low = high_bits(mantissa, _HIGH[place]), mantissa * _HIGH[place]
    if high & np.uint64(0x1FF) == np.uint64(0x1FF):
        more = high_bits(mantissa, _LOW[place])
        low += more
        if more > low:
            high += np.uint64(1)
    upper = np.int64(high >> np.uint64(63))
    shift = np.uint64(upper + 9)
    digits = high >> shift
    exponent = ((217706 * power) >> 16) + 63 + upper - empty + 1023
    if low <= np.uint64(1) and -4 <= power <= 23 and digits & np.uint64(3) == np.uint64(1) and digits << shift == high:
        digits &= ~np.uint64(1)  # Half way between two: to the even one.
    digits = (digits + (digits & np.uint64(1))) >> np.uint64(1)
    if digits >= np.uint64(1 << 53):
        digits = np.uint64(1 << 52)
        exponent += 1
    return np.int64(digits & np.uint64((1 << 52) - 1)) | exponent << 52
