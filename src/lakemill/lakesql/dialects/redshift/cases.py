"""Names in double quotes whose case counts: enable_case_sensitive_identifier.

Names are compared in lower case everywhere, also by DuckDB. A capital that is to be kept is written as a mark and the
small letter, so that `"Total"` is another name than `total`; where a name is shown, it is what it was.
"""

import re

from lakemill.lakesql.dialects.redshift import scanner
from lakemill.lakesql.errors import SqlFailed

MARK = "\ue000"
_MARKED = re.compile(f"{MARK}(.)", re.S)


def kept(text: str) -> str:
    """A statement in which the names in double quotes keep their case. Raises SqlFailed 42601 for an open quote.

    >>> shown(kept('SELECT "Total" FROM t WHERE a = \\'"X"\\'')) == 'SELECT "Total" FROM t WHERE a = \\'"X"\\''
    True
    """
    if '"' not in text:
        return text
    made, at = [], 0
    for word in scanner.words(text):
        if word.kind == "name":
            made += [text[at : word.start], kept_name(word.text)]
            at = word.end
    return "".join(made) + text[at:]


def kept_name(name: str) -> str:
    """A name that keeps its case.

    >>> len(kept_name("aBc")), kept_name("abc")
    (4, 'abc')
    """
    return "".join(MARK + letter.lower() if _capital(letter) else letter for letter in name)


def _capital(letter: str) -> bool:
    small = letter.lower()
    return small != letter and len(small) == 1 and small.upper() == letter


def shown(text: str) -> str:
    """The same with the capitals that were kept.

    >>> shown(kept_name("Total")), shown("total")
    ('Total', 'total')
    """
    return _MARKED.sub(lambda found: found[1].upper(), text) if MARK in text else text


def folded(name: str) -> str:
    """The name of what has no case: users, groups, roles, databases, and what is in the lake's catalog."""
    return shown(name).lower()


def placed(failure: SqlFailed, text: str) -> SqlFailed:
    """An error in a statement whose names were kept, with names and place as in the one that was sent."""
    if failure.position is not None and MARK in text:
        failure.position -= text[: failure.position - 1].count(MARK)
    failure.message, failure.detail, failure.hint = shown(failure.message), shown(failure.detail), shown(failure.hint)
    return failure
