"""The compiled part of jsonpaths.py: which texts that were found are to be taken as they stand."""

# numba infers the types here.
# mypy: ignore-errors

from lakemill.formats.bytes_kernel import byte_at
from lakemill.formats.jit import compiled
from lakemill.formats.jsoncolumns_kernel import NULL, PLAIN, RAW, TEXT, gathered, hashed, measured, taken

__all__ = ["NULL", "RAW", "TEXT", "gathered", "hashed", "measured", "taken", "unfit"]

_DIGITS_MAX = 15  # Whole numbers of so many digits are exact in a double.


@compiled
def unfit(buf, cells, valid, unusual):
    """Mark in `unusual` the records that have no such text; of numbers, only whole ones are taken as they stand.

    buf: the address of the bytes. cells, valid (n,): a TEXT column of jsoncolumns_kernel.taken, one row a record.
    """
    for row in range(len(valid)):
        at, count = cells[row] >> 32, cells[row] & 0x7FFFFFFF
        if valid[row] != PLAIN or count == 0:
            unusual[row] = True
            continue
        first = byte_at(buf, at)
        if byte_at(buf, at - 1) == 34 or first == 116 or first == 102:  # A string, true or false.
            continue
        end = at + count
        if first == 45:
            at += 1
        if end - at > _DIGITS_MAX or (byte_at(buf, at) == 48 and count > 1):
            unusual[row] = True
            continue
        for place in range(at, end):
            if not 48 <= byte_at(buf, place) <= 57:
                unusual[row] = True
                break
