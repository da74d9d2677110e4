"""Definitions in the catalog's spelling, and in that of its API: the same words, `serde_info` and `SerdeInfo`."""

import functools
import re
from collections.abc import Mapping
from typing import Any

MAPS = ("Parameters", "SkewedColumnValueLocationMaps")
"""Members whose keys are names of the user's own."""
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def definition_of(structure: Any) -> Any:
    """A structure of the API as a definition: `SerdeInfo` becomes `serde_info`; the keys of maps stay.

    >>> definition_of({"SerdeInfo": {"Parameters": {"A": "b"}}})
    {'serde_info': {'parameters': {'A': 'b'}}}
    """
    if isinstance(structure, list):
        return [definition_of(one) for one in structure]
    if not isinstance(structure, Mapping):
        return structure
    return {_snake(name): dict(value) if name in MAPS else definition_of(value) for name, value in structure.items()}


def structure_of(definition: Any) -> Any:
    """The other way.

    >>> structure_of({"serde_info": {"parameters": {"A": "b"}}})
    {'SerdeInfo': {'Parameters': {'A': 'b'}}}
    """
    if isinstance(definition, list | tuple):
        return [structure_of(one) for one in definition]
    if not isinstance(definition, dict):
        return definition
    named = {_camel(name): value for name, value in definition.items()}
    return {name: value if name in MAPS else structure_of(value) for name, value in named.items()}


@functools.lru_cache
def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


@functools.lru_cache
def _snake(name: str) -> str:
    return _CAPITAL.sub("_", name).lower()
