"""States a resource passes through, with the times.

A document that has a history keeps it under `transitions`, oldest first: dicts with `status`, `start`, `message`, and
`end` on all but a last one that is not over yet.
"""

import datetime
from typing import Any


def enter(document: dict[str, Any], status: str, message: str, now: datetime.datetime, *, final: bool = False) -> None:
    """Go to a status: the one before ends now. A final one begins and ends now. Entering the same again only
    changes its message."""
    history = document.setdefault("transitions", [])
    if history and history[-1]["status"] == status:
        history[-1]["message"] = message
    else:
        if history and "end" not in history[-1]:
            history[-1]["end"] = now
        history.append({"status": status, "start": now, "message": message})
    if final:
        history[-1]["end"] = now
    document["modified"] = now
