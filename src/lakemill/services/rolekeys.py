"""Keys of a role for a program that works in its name, by the protocol of containers, so that SDKs fetch fresh ones.

A program gets a URL of lakemill and a token; whoever shows the token gets the keys of the role, for as long as what the
program works for (a run, an application) is there.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

import base64
import dataclasses
import hmac
import json
from collections.abc import Callable
from urllib.parse import urlsplit

from lakemill.engines.identity import Identity, Principal, RoleRefused, SessionCredentials
from lakemill.services.base import HttpRequest

GOOD_S = 3600
WHOLE_S = 12 * 3600
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Answer = tuple[int, list[tuple[str, str]], bytes]


@dataclasses.dataclass(frozen=True)
class Holder:
    """What a program works for."""

    id: str
    """It is found again by this."""
    secret: str
    """Only its program knows it."""
    account: str
    role: str
    session: str
    """The name of the role's sessions."""


Find = Callable[[str], Holder | None]


class RoleKeys:
    """Keys for the programs of one service.

    path: the page that answers. service: the principal that takes the roles. find: a holder by its id.
    endpoint: where lakemill listens. SDKs fetch keys over loopback without https only; elsewhere a program gets some
    that are good for twelve hours. enforce: whether a role must exist and trust the service; without it a program works
    with the root's key.
    """

    def __init__(
        self, path: str, service: str, find: Find, identity: Identity, endpoint: str, *, enforce: bool = True
    ) -> None:
        self.path, self._service, self._find = path, service, find
        self._identity, self._endpoint, self._enforce = identity, endpoint, enforce

    @property
    def good_s(self) -> float | None:
        """How long a program may use what `variables` gives; None: for ever."""
        place = urlsplit(self._endpoint)
        return None if place.scheme == "http" and place.hostname in LOOPBACK else WHOLE_S - GOOD_S

    async def variables(self, holder: Holder) -> dict[str, str]:
        """What the program's environment holds. Raises RoleRefused."""
        found = self._lasting(holder)
        if isinstance(found, Principal):
            return _variables(await self._identity.sessions.open(found, WHOLE_S))
        return found

    def variables_blocking(self, holder: Holder) -> dict[str, str]:
        """The same from a thread that is not the event loop's."""
        found = self._lasting(holder)
        if isinstance(found, Principal):
            return _variables(self._identity.sessions.open_blocking(found, WHOLE_S))
        return found

    def _lasting(self, holder: Holder) -> dict[str, str] | Principal:
        """Variables that are good for ever, or for whom a session is to be opened. Raises RoleRefused."""
        try:
            principal = self._taken(holder)
        except RoleRefused:
            if self._enforce:
                raise
            key = self._identity.root_key(holder.account)
            return {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret}
        if self.good_s is not None:
            return principal
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self._endpoint}{self.path}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": _token(holder),
        }

    def _taken(self, holder: Holder) -> Principal:
        return self._identity.service_session(holder.role, self._service, holder.session)

    async def answer(self, http: HttpRequest) -> Answer:
        """The keys, or a refusal."""
        holder = self.holder(http.header("authorization") or "")
        if holder is None:
            return _json(403, {"Code": "AccessDenied", "Message": "This token is none of ours."})
        try:
            session = await self._identity.sessions.open(self._taken(holder), GOOD_S)
        except RoleRefused as refused:
            return _json(403, {"Code": "AccessDenied", "Message": str(refused)})
        return _json(
            200,
            {
                "AccessKeyId": session.access_key_id,
                "SecretAccessKey": session.secret,
                "Token": session.session_token,
                "Expiration": f"{session.expires:%Y-%m-%dT%H:%M:%SZ}",
                "RoleArn": holder.role,
            },
        )

    def token(self, holder: Holder) -> str:
        """What the holder's program shows."""
        return _token(holder)

    def holder(self, shown: str) -> Holder | None:
        """Whose token it is."""
        try:
            id, separator, _ = base64.urlsafe_b64decode(shown.encode()).decode().rpartition("\n")
        except ValueError:
            return None
        holder = self._find(id) if separator else None
        if holder is None or not hmac.compare_digest(_token(holder).encode(), shown.encode()):
            return None
        return holder


def _token(holder: Holder) -> str:
    return base64.urlsafe_b64encode(f"{holder.id}\n{holder.secret}".encode()).decode()


def _variables(session: SessionCredentials) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret,
        "AWS_SESSION_TOKEN": session.session_token,
    }


def _json(status: int, body: dict[str, str]) -> Answer:
    return status, [("content-type", "application/json")], json.dumps(body).encode()
