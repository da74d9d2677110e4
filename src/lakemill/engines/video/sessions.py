"""Sessions: leave, for a time and to whoever has the token, to watch a part of a stream."""

import dataclasses
import secrets
from typing import Any

from lakemill.ports.clock import Clock

SESSIONS_MAX = 10_000


@dataclasses.dataclass(frozen=True)
class Session:
    """until: Unix time. wish: what its owner wants to keep with it."""

    token: str
    scope: str
    stream: str
    until: float
    wish: dict[str, Any]


class Sessions:
    """Those of one running platform; a restart ends them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all: dict[str, Session] = {}

    def open(self, scope: str, stream: str, seconds: float, wish: dict[str, Any]) -> Session:
        """A new one."""
        now = self._clock.time()
        self._all = {token: one for token, one in self._all.items() if one.until > now}
        while len(self._all) >= SESSIONS_MAX:
            del self._all[next(iter(self._all))]
        session = Session(secrets.token_urlsafe(48), scope, stream, now + seconds, wish)
        self._all[session.token] = session
        return session

    def find(self, token: str) -> Session | None:
        """None if there is none, or its time has passed."""
        session = self._all.get(token)
        return session if session is not None and session.until > self._clock.time() else None
