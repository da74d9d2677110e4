"""Regular expressions that users bring: they run beside everybody's requests, so they have only so much time."""

import time

import regex

SECONDS = 1.0
"""For all texts that one request looks at; an ordinary expression takes a microsecond for each."""


class RegexInvalid(ValueError):
    """It cannot be read, or it takes too long. The text says what is wrong."""


class Regex:
    """A regular expression in Python's syntax.

    >>> Regex("a+b").search("caab"), Regex("a+b").fullmatch("caab")
    (True, False)
    """

    def __init__(self, expression: str, *, ignore_case: bool = False) -> None:
        try:
            self._compiled = regex.compile(expression, regex.IGNORECASE if ignore_case else 0)
        except (regex.error, RecursionError, OverflowError) as error:
            raise RegexInvalid(str(error)) from None
        self._left_s = SECONDS

    def search(self, text: str) -> bool:
        """Whether it matches somewhere. Raises RegexInvalid when all its texts took too long."""
        return self._ask(self._compiled.search, text)

    def fullmatch(self, text: str) -> bool:
        """Whether it matches the whole. Raises RegexInvalid when all its texts took too long."""
        return self._ask(self._compiled.fullmatch, text)

    def _ask(self, method, text: str) -> bool:  # type: ignore[no-untyped-def]
        began = time.perf_counter()
        try:
            found = method(text, timeout=self._left_s)
        except TimeoutError:
            raise RegexInvalid(f"it takes more than {SECONDS:g} s") from None
        # The timeout may not be 0, which would be none.
        self._left_s = max(self._left_s - (time.perf_counter() - began), 1e-3)
        return found is not None
