"""What differs between the versions of AWS's container, by image tag. Without a tag the newest behaviour holds."""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Quirks:
    """accept_ignored: real-time answers are always one CSV line, whatever Accept says (up to 1.2-1 and xgboost:1).

    libsvm_shifted: request indices are taken as 1-based when the smallest is at least 1 (newest only).
    """

    accept_ignored: bool = False
    libsvm_shifted: bool = True


def for_tag(tag: str) -> Quirks:
    """The behaviour of an image tag such as `1.7-1`, `1.2-1-cpu-py3`, `1` or `latest`.

    >>> for_tag("1.2-1").accept_ignored, for_tag("1.2-2").accept_ignored, for_tag("1").accept_ignored
    (True, False, True)
    """
    if not tag:
        return Quirks()
    found = re.match(r"(\d+)\.(\d+)-(\d+)", tag)
    # `1` and `latest` name the first container, of xgboost 0.72.
    version = tuple(int(part) for part in found.groups()) if found else (0, 72, 0)
    return Quirks(accept_ignored=version < (1, 2, 2), libsvm_shifted=version >= (3, 0, 0))
