"""The functions a spec names."""

import importlib
from collections.abc import Callable
from typing import Any


def load_function(path: str) -> Callable[..., Any]:
    """`module:function` -> the function; imports the module."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
