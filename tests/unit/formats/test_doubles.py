"""Doubles of decimal numbers are the nearest ones, as the interpreter finds them."""

import random

import numpy as np
import pytest

from lakemill.formats.doubles_kernel import LEAST, MOST, double_bits
from lakemill.formats.jit import compiled


@pytest.fixture(scope="module")
def doubles():
    @compiled
    def loop(mantissas, powers, found):
        for place in range(len(mantissas)):
            found[place] = double_bits(mantissas[place], powers[place])

    def doubles(pairs):
        found = np.empty(len(pairs), np.int64)
        loop(np.array([m for m, _ in pairs], np.uint64), np.array([p for _, p in pairs], np.int64), found)
        return found.view(np.float64).tolist()

    return doubles


def any_numbers(draw):
    return [(draw.randrange(1, 10 ** draw.randrange(1, 19)), draw.randrange(LEAST, MOST + 1)) for _ in range(20_000)]


def half_way(draw):
    """Those in the middle between two doubles, and their neighbours."""
    found = [
        ((2 * draw.randrange(1 << 52, 1 << 53) + 1) * 5**power, -power) for power in (0, 1, 2) for _ in range(5000)
    ]
    return [(mantissa + more, power) for mantissa, power in found for more in (-1, 0, 1)]


def printed(draw):
    """What a double is written as."""
    texts = [repr(draw.random() * 10.0 ** draw.randrange(-20, 20)) for _ in range(10_000)]
    found = []
    for text in texts:
        digits, _, power = text.partition("e")
        whole, _, fraction = digits.partition(".")
        found.append((int(whole + fraction), int(power or 0) - len(fraction)))
    return found


@pytest.mark.parametrize("numbers", [any_numbers, half_way, printed])
def test_a_decimal_number_becomes_the_nearest_double(doubles, numbers):
    pairs = numbers(random.Random(7))
    assert doubles(pairs) == [float(f"{mantissa}e{power}") for mantissa, power in pairs]
