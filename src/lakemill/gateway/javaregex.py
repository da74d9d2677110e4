r"""The models' regular expressions, which are Java's, for Python's `re`.

What differs: `\p{L}` and its kin, `\z`, UTF-16 surrogate pairs inside a class, a hyphen after a class escape
(`[\w-_]`), quantified anchors (`${1,128}`), inline flags that are not at the start, and that `\w`, `\d`, `\s` mean
ASCII. AWS matches a pattern against the whole value, so the result is anchored at both ends.
"""

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterator

# Java's POSIX classes are ASCII.
_POSIX = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7f",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`{-~",
    "Graph": "!-~",
    "Print": " -~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": r" \t\n\x0b\f\r",
}
# \x0b is a vertical tab; Python knows it as \v, Java's \v is a class.
_PAIR = r"\uD800\uDC00-\uDBFF\uDFFF"
_FLAGS = re.compile(r"\(\?([ims]+)\)")


# Planes with characters in them; what lies between is unassigned or private, as listed below.
_ASSIGNED = (range(0x34000), range(0xE0000, 0xE0200))
_ELSEWHERE = {"Cn": r"\U00034000-\U000dffff\U000e0200-\U000effff", "Co": r"\U000f0000-\U0010ffff"}


@functools.cache
def _categories() -> dict[str, str]:
    """Every two-letter Unicode category as the inside of a character class, in one pass over the characters."""
    found: dict[str, list[str]] = {}
    for codes in _ASSIGNED:
        for category, run in itertools.groupby(codes, key=lambda code: unicodedata.category(chr(code))):
            first, *rest = run
            last = rest[-1] if rest else first
            found.setdefault(category, []).append(f"\\U{first:08x}-\\U{last:08x}")
    return {category: "".join(ranges) + _ELSEWHERE.get(category, "") for category, ranges in found.items()}


@functools.cache
def _ranges(category: str) -> str:
    """The code points of a Unicode category (`L`, `Zs`) as the inside of a character class."""
    return "".join(ranges for name, ranges in sorted(_categories().items()) if name.startswith(category))


def _property(name: str, *, negated: bool, in_class: bool) -> str:
    name = name.removeprefix("Is")
    ranges = _POSIX[name] if name in _POSIX else _ranges(name)
    if not ranges:
        raise re.error(f"unknown character property {name}")
    if not in_class:
        return f"[^{ranges}]" if negated else f"[{ranges}]"
    if not negated:
        return ranges
    if name in _POSIX:
        raise re.error(f"the complement of {name} inside a class")
    return "".join(ranges for other, ranges in sorted(_categories().items()) if not other.startswith(name))


def _tokens(pattern: str) -> Iterator[str]:
    """Escapes whole, everything else a character at a time."""
    at = 0
    while at < len(pattern):
        if pattern[at] != "\\" or at + 1 == len(pattern):
            yield pattern[at]
            at += 1
            continue
        end = at + 2
        if pattern[at + 1] in "pP":
            end = pattern.index("}", at) + 1 if pattern[at + 2 : at + 3] == "{" else at + 3
        elif pattern[at + 1] == "u":
            end = at + 6
        elif pattern[at + 1] == "x":
            end = at + 4
        yield pattern[at:end]
        at = end


@functools.cache
def translate(pattern: str) -> str:
    r"""A Java pattern as a whole-value Python pattern. Raises re.error for what cannot be said.

    >>> translate(r"[\w-_]*")
    '(?a)\\A(?:[\\w\\-_]*)\\Z'
    """
    flags = "a" + "".join(sorted(set("".join(_FLAGS.findall(pattern)))))
    pattern = _FLAGS.sub("", pattern).replace(_PAIR, "\\U00010000-\\U0010FFFF")
    pattern = re.sub(r"\$\{\d+(,\d*)?\}$", "$", pattern)
    out: list[str] = []
    in_class, class_start, after_set = False, 0, False
    for token in _tokens(pattern):
        said = token
        if token[:2] in ("\\p", "\\P"):
            name = token[2:].strip("{}")
            said = _property(name, negated=token[1] == "P", in_class=in_class)
        elif token == "\\z":
            said = "\\Z"
        elif in_class and token in ("[", "|", "~"):
            said = f"\\{token}"  # Python reserves doubled ones for set operations.
        elif in_class and token == "&" and out[-1] == "&":
            raise re.error("an intersection of classes")
        elif in_class and token == "-" and after_set:
            said = "\\-"
        elif not in_class and token == "[":
            in_class, class_start = True, len(out)
        elif in_class and token == "]" and (len(out) - class_start > 1 and out[class_start + 1 :] != ["^"]):
            in_class = False
        after_set = token in ("\\w", "\\d", "\\s", "\\W", "\\D", "\\S") or token[:2] in ("\\p", "\\P")
        out.append(said)
    result = f"(?{flags})\\A(?:{''.join(out)})\\Z"
    re.compile(result)
    return result
