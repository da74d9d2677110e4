"""Bytes read and written by their address, in compiled code.

An array that is handed to a compiled function is counted there, which costs more than to read a byte of it; a number is
not. The caller keeps the buffer alive, and every place inside of it.
"""

# numba infers the types here.
# mypy: ignore-errors

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def word8(typing, buf, at):
    """The eight bytes at address buf + at as one number. The caller sees to the end of the buffer."""

    def generate(context, builder, signature, arguments):
        eight = context.get_value_type(types.uint64)
        place = builder.inttoptr(builder.add(*arguments), eight.as_pointer())
        return builder.load(place, align=1)

    return types.uint64(types.int64, types.int64), generate


@intrinsic
def byte_at(typing, buf, at):
    """The byte at address buf + at, as int64."""

    def generate(context, builder, signature, arguments):
        byte = context.get_value_type(types.uint8)
        place = builder.inttoptr(builder.add(*arguments), byte.as_pointer())
        return builder.zext(builder.load(place), context.get_value_type(types.int64))

    return types.int64(types.int64, types.int64), generate


@intrinsic
def store8(typing, buf, at, eight):
    """Write eight bytes to address buf + at. The caller sees to the end of the buffer."""

    def generate(context, builder, signature, arguments):
        kind = context.get_value_type(types.uint64)
        place = builder.inttoptr(builder.add(arguments[0], arguments[1]), kind.as_pointer())
        builder.store(arguments[2], place, align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.uint64), generate


@intrinsic
def put(typing, buf, at, value):
    """Write the low byte of value to address buf + at."""

    def generate(context, builder, signature, arguments):
        byte = context.get_value_type(types.uint8)
        place = builder.inttoptr(builder.add(arguments[0], arguments[1]), byte.as_pointer())
        builder.store(builder.trunc(arguments[2], byte), place)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic
def zeros_below(typing, eight):
    """How many bits lie below the lowest that is set."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], cgutils.true_bit)

    return types.int64(types.uint64), generate


@intrinsic
def zeros_above(typing, eight):
    """How many bits lie above the highest that is set, which there must be."""

    def generate(context, builder, signature, arguments):
        return builder.ctlz(arguments[0], cgutils.true_bit)

    return types.int64(types.uint64), generate


@intrinsic
def high_bits(typing, one, other):
    """The upper 64 of the 128 bits of a product."""

    def generate(context, builder, signature, arguments):
        sixteen = ir.IntType(128)
        product = builder.mul(*(builder.zext(argument, sixteen) for argument in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(sixteen, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate
