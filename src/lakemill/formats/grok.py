r"""Grok: regular expressions with names for patterns, `%{IP:client} %{NUMBER:size:long}`, as Glue's classifiers and its
GrokSerDe have them.

`%{PATTERN}` matches, `%{PATTERN:field}` makes a column of what it matches, `%{PATTERN:field:type}` a column of that
type: byte, boolean, double, short, int, long or float; else it is a string. A field called UNWANTED is left out.
`(?<field>...)` makes a column as well.

>>> expression = Grok("%{IP:client} %{NUMBER:size:long} %{DATA:UNWANTED}")
>>> expression.columns
[('client', 'string'), ('size', 'bigint')]
>>> expression.match("10.0.0.1 7 x")
['10.0.0.1', '7']
"""

import regex

from lakemill.formats.grokpatterns import STANDARD

TYPES = {
    "byte": "tinyint",
    "boolean": "boolean",
    "double": "double",
    "short": "smallint",
    "int": "int",
    "long": "bigint",
    "float": "float",
    "string": "string",
}
UNWANTED = "UNWANTED"
DEPTH_MAX, CHARACTERS_MAX = 24, 1 << 20
TIMEOUT_S = 0.05
_NAMED = regex.compile(r"%\{(?<pattern>\w+)(?::(?<field>[^:}]+))?(?::(?<type>\w+))?\}|\(\?<(?<group>[A-Za-z_]\w*)>")


class GrokInvalid(ValueError):
    """Not a grok expression; a sentence says why."""


class Grok:
    """A compiled expression. custom: further patterns, a name and a pattern on each line. Raises GrokInvalid."""

    def __init__(self, text: str, custom: str = "") -> None:
        self._patterns = STANDARD | custom_patterns(custom)
        self._fields: list[tuple[str, str]] = []
        source = self._expanded(text, 0)
        try:
            self._regex = regex.compile(source, regex.V0)
        except (regex.error, RecursionError) as wrong:
            raise GrokInvalid(f"The grok pattern {text!r} is not a regular expression: {wrong}") from None
        places: dict[str, list[int]] = {}
        for number, (name, _) in enumerate(self._fields, 1):
            places.setdefault(name.lower(), []).append(number)
        types: dict[str, str] = {}
        for name, type in self._fields:
            types.setdefault(name.lower(), type)
        self._groups = list(places.values())
        self.columns = list(types.items())
        """Names in lower case and Hive types."""

    def match(self, line: str, *, whole: bool = True) -> list[str | None] | None:
        """What the fields matched of a line, in the order of `columns`; None for another line.

        whole=False: it is enough that a part of the line matches.
        """
        match = self._regex.fullmatch if whole else self._regex.search
        try:
            found = match(line, timeout=TIMEOUT_S)
        except TimeoutError:
            return None
        if found is None:
            return None
        return [next((text for one in group if (text := found[f"f{one}"]) is not None), None) for group in self._groups]

    def _expanded(self, text: str, depth: int) -> str:
        if depth > DEPTH_MAX:
            raise GrokInvalid("The grok patterns refer to each other in a circle.")
        parts, at = [], 0
        for match in _NAMED.finditer(text):
            parts.append(text[at : match.start()])
            at = match.end()
            if match["group"]:
                parts.append(self._group(match["group"], "string"))
                continue
            if match["pattern"] not in self._patterns:
                raise GrokInvalid(f"No pattern is named {match['pattern']} in the grok pattern.")
            parts.append(self._reference(match["pattern"], match["field"], match["type"], depth))
        parts.append(text[at:])
        whole = "".join(parts)
        if len(whole) > CHARACTERS_MAX:
            raise GrokInvalid("The grok pattern becomes too long.")
        return whole

    def _reference(self, name: str, field: str | None, type: str | None, depth: int) -> str:
        if type is not None and type not in TYPES:
            raise GrokInvalid(f"The type {type} of field {field} must be one of {', '.join(TYPES)}.")
        opening = "(?:" if field is None or field == UNWANTED else self._group(field, TYPES[type or "string"])
        return opening + self._expanded(self._patterns[name], depth + 1) + ")"

    def _group(self, field: str, type: str) -> str:
        self._fields.append((field, type))
        return f"(?P<f{len(self._fields)}>"


def custom_patterns(text: str) -> dict[str, str]:
    """Patterns by their names, from a line for each. Raises GrokInvalid."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, pattern = line.strip().partition(" ")
            if not pattern.strip() or not regex.fullmatch(r"\w+", name):
                raise GrokInvalid(f"A custom pattern must be a name and a pattern; got {line!r}.")
            found[name] = pattern.strip()
    return found
