"""Values for any shape of botocore's models, made from a seed: they keep every constraint, so they must get through."""

import datetime
import functools
import random
import re
import string
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from lakemill.gateway.shapes import bounds_of, pattern_of

DEPTH_MAX = 4
LETTERS = string.ascii_lowercase + string.digits
PRINTABLE = [chr(code) for code in range(32, 127)]


_parse = functools.cache(parser.parse)
_choices: dict[int, list[str]] = {}
"""Characters of a class, by the identity of its parsed form, which `_parse` keeps alive."""


class Unmakeable(Exception):
    """No value could be found for a shape (a pattern too clever for the sampler)."""


class Generator:
    """located: no fractions of seconds, no exotic text, since headers cannot carry them."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def structure(self, shape: Any, depth: int = 0) -> dict[str, Any]:
        names = list(shape.members)
        if shape.metadata.get("union"):
            names = self.random.sample(names, len(names))[:]
        out: dict[str, Any] = {}
        for name in names:
            required = name in shape.required_members
            if not required and (depth >= DEPTH_MAX or self.random.random() < 0.35 * depth):
                continue
            member = shape.members[name]
            if member.serialization.get("eventstream"):
                continue
            try:
                out[name] = self.value(member, depth + 1, "location" in member.serialization)
            except Unmakeable:
                if required:
                    raise
                continue
            if shape.metadata.get("union"):
                break
        if not out and depth:
            raise Unmakeable(shape.name)
        return out

    def value(self, shape: Any, depth: int = 0, located: bool = False) -> Any:
        if shape.metadata.get("document") or shape.serialization.get("jsonvalue"):
            return {"a": [1, "x", None], "b": {"c": 0.5}}
        if depth > DEPTH_MAX + 4:
            raise Unmakeable(shape.name)
        if shape.type_name == "structure":
            return self.structure(shape, depth)
        if shape.type_name == "list":
            return [self.value(shape.member, depth + 1, located) for _ in range(self._count(shape))]
        if shape.type_name == "map":
            return self._map(shape, depth, located)
        return self._scalar(shape, located)

    def _count(self, shape: Any) -> int:
        low, high = shape.metadata.get("min", 1), shape.metadata.get("max", 3)
        if low > 12:
            raise Unmakeable(shape.name)
        return max(1, low, min(high, self.random.choice((1, 2))))

    def _map(self, shape: Any, depth: int, located: bool) -> dict[Any, Any]:
        out: dict[Any, Any] = {}
        for _ in range(20):
            key = self._scalar(shape.key, located)
            if key == "":
                continue
            out[key.lower() if located else key] = self.value(shape.value, depth + 1, located)
            if len(out) >= self._count(shape):
                return out
        raise Unmakeable(shape.name)

    def _scalar(self, shape: Any, located: bool) -> Any:
        kind, said = shape.type_name, shape.metadata
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind in ("integer", "long"):
            low, high = bounds_of(shape)
            return self.random.choice([v for v in (low, high, 0, 1, -1, 200, 86400) if low <= v <= high])
        if kind in ("float", "double"):
            low, high = said.get("min", -1e6), said.get("max", 1e6)
            return float(self.random.choice([v for v in (low, high, 0.5, 0.0, 1.25, -3.75) if low <= v <= high]))
        if kind == "timestamp":
            millis = 0 if located else self.random.choice((0, 500_000, 123_000))
            at = datetime.datetime.fromtimestamp(self.random.randrange(1 << 31), datetime.UTC)
            return at.replace(microsecond=millis)
        low, high = said.get("min", 0), min(said.get("max", 40), 1 << 14)
        if kind == "blob":
            return bytes(self.random.randrange(256) for _ in range(max(low, min(high, 5))))
        return self._text(shape, said, low, high, located)

    def _text(self, shape: Any, said: dict[str, Any], low: int, high: int, located: bool) -> str:
        if said.get("enum"):
            return self.random.choice([value for value in said["enum"] if value] or said["enum"])
        pattern = pattern_of(shape)
        size = max(low, 1 if high else 0, min(high, self.random.choice((3, 8))))
        if pattern is None:
            letters = LETTERS if located else LETTERS + "é漢 <&>\"'+%=,/"
            text = "".join(self.random.choice(letters) for _ in range(size))
            return text if located or low > 1 else text.strip().ljust(max(low, 1), "x")[: max(high, 1)]
        for spread in (2, 6, 20, 60, 200, 0):
            for _ in range(6):
                text = "".join(self._sample(_parse(pattern), spread))
                if low <= len(text) <= high and re.match(pattern, text) and text == text.strip() and text:
                    return text
        raise Unmakeable(f"{shape.name} {pattern}")

    def _sample(self, parsed: Any, spread: int) -> list[str]:
        out: list[str] = []
        for code, argument in parsed:
            if code is op.LITERAL:
                out.append(chr(argument))
            elif code is op.NOT_LITERAL:
                out.append("a" if argument != ord("a") else "b")
            elif code is op.ANY:
                out.append(self.random.choice(LETTERS))
            elif code is op.IN:
                out.append(self._one_of(argument))
            elif code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
                low, high, inner = argument
                count = self.random.randint(low, max(low, min(int(high), low + spread)))
                for _ in range(count):
                    out += self._sample(inner, max(spread // 4, 1))
            elif code is op.SUBPATTERN:
                out += self._sample(argument[3], spread)
            elif code is op.BRANCH:
                out += self._sample(self.random.choice(argument[1]), spread)
        return out

    def _one_of(self, items: Any) -> str:
        if id(items) not in _choices:
            choices = [char for char in PRINTABLE if self._matches(items, ord(char))]
            _choices[id(items)] = [char for char in choices if char in LETTERS] or choices
        if _choices[id(items)]:
            return self.random.choice(_choices[id(items)])
        for code, argument in items:
            if code is op.LITERAL:
                return chr(argument)
            if code is op.RANGE:
                return chr(argument[0])
        raise Unmakeable(str(items))

    def _matches(self, items: Any, code: int) -> bool:
        char, found, negated = chr(code), False, False
        for kind, argument in items:
            if kind is op.NEGATE:
                negated = True
            elif kind is op.LITERAL:
                found |= argument == code
            elif kind is op.RANGE:
                found |= argument[0] <= code <= argument[1]
            elif kind is op.CATEGORY:
                name = str(argument)
                tests = {"DIGIT": char.isdigit(), "WORD": char.isalnum() or char == "_", "SPACE": char.isspace()}
                hit = tests[name.rpartition("_")[2]]
                found |= not hit if "_NOT_" in name else hit
        return found != negated


def generated(seed: str, shape: Any) -> dict[str, Any]:
    """A whole input or output."""
    return Generator(seed).structure(shape)
