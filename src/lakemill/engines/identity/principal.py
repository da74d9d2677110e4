"""Who is calling."""

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any, Literal


@dataclasses.dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose signature was verified (or nobody, for an unsigned request)."""

    kind: Literal["root", "user", "role", "service", "anonymous"]
    account: str
    arn: str
    """`arn:aws:iam::A:root`, `arn:aws:iam::A:user/p/u`, `arn:aws:sts::A:assumed-role/R/session`, or `*`."""
    user_id: str
    """The account id, `AIDA...`, or `AROA...:session`."""
    name: str = ""
    """User name, or role name without its path."""
    role_arn: str | None = None
    """The role behind a session, path included."""
    session: str | None = None
    access_key_id: str | None = None
    session_policies: tuple[Any, ...] = ()
    """Policy documents that narrow the session; all of them together are one allow list."""
    session_tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    expires: datetime.datetime | None = None
    boundary_free: bool = False
    """True when requests are not authorised at all (`--auth off`)."""


def anonymous(account: str) -> Principal:
    """Nobody in particular."""
    return Principal("anonymous", account, "*", "ANONYMOUS_PRINCIPAL")
