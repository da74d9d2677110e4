"""Compiled loops for large inputs, and the rule when to use them.

Importing numba costs about 0.4 s and the first compilation on a machine some seconds more (it is kept on disk), so a
request body of a few records goes through plain Python, and only what is large, or comes after numba is there anyway,
goes through compiled code.
"""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

COLD_BYTES = 8 << 20
"""From here on plain Python takes longer than importing numba."""
WARM_BYTES = 4 << 10
"""From here on a compiled loop that is loaded is worth its call."""


def kernels(module: str, size_bytes: int) -> ModuleType | None:
    """The module of compiled loops, or None when plain Python is quicker for an input of that size.

    A process that has loaded the module once uses it for everything above a few kilobytes.
    """
    if size_bytes >= (WARM_BYTES if module in sys.modules else COLD_BYTES):
        return importlib.import_module(module)
    return None


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function compiled by numba on first use, without the interpreter lock, kept on disk where possible."""
    return _compiled(function)


def inner(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a function that only compiled code calls: it is kept as a part of its callers."""
    import numba

    without: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return numba.njit(nogil=True, **without)(function)


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a function that is to become part of every caller: a quarter faster where calls are short."""
    return _compiled(function, inline="always")


def summing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a loop that adds up numbers that are finite: in whatever order fills the vector registers best."""
    return _compiled(function, fastmath={"reassoc", "nnan", "nsz"})


def _compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    import numba  # Only modules of kernels get here, and they are loaded on demand.

    try:
        return numba.njit(cache=True, nogil=True, **options)(function)
    except RuntimeError:  # No folder for the cache can be written: compile in every process.
        return numba.njit(nogil=True, **options)(function)
