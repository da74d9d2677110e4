"""Names by a pattern of SHOW: `*` stands for any characters, `|` for or; what else, for itself."""

import re
from collections.abc import Sequence


def matching(names: Sequence[str], pattern: str | None) -> list[str]:
    """Those that match; all without a pattern.

    >>> matching(["sales", "sales_2024", "users"], "sales*|u?ers")
    ['sales', 'sales_2024']
    """
    if pattern is None:
        return list(names)
    choices = [".*".join(map(re.escape, one.strip().split("*"))) for one in pattern.lower().split("|")]
    found = re.compile("|".join(f"(?:{choice})" for choice in choices))
    return [name for name in names if found.fullmatch(name)]
