"""Keys of an application's role for its program, by the protocol of containers, so that SDKs fetch fresh ones in time.

A program gets a URL of lakemill and a token; whoever shows the token gets the keys of the role.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

import base64
import hmac
import json
from typing import Any
from urllib.parse import urlsplit

from lakemill.engines.analytics import KIND, Analytics
from lakemill.engines.flink import FlinkError
from lakemill.engines.identity import Identity, RoleRefused
from lakemill.services.base import HttpRequest
from lakemill.services.kinesisanalytics.access import SERVICE

PATH = "/_lakemill/analytics/credentials"
GOOD_S = 3600
WHOLE_S = 12 * 3600
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Answer = tuple[int, list[tuple[str, str]], bytes]


class RoleUnusable(FlinkError):
    """The application's role is gone, or does not trust the service any more."""


class Credentials:
    """enforce: whether a role must exist and trust the service; without it a program works with the root's key.

    endpoint: where lakemill listens. SDKs fetch keys over loopback without https only; elsewhere a program gets some
    that are good for twelve hours.
    """

    def __init__(self, analytics: Analytics, identity: Identity, endpoint: str, *, enforce: bool = True) -> None:
        self._analytics, self._identity, self._endpoint, self._enforce = analytics, identity, endpoint, enforce

    @property
    def good_s(self) -> float | None:
        """How long a program may use what `variables` gives; None: for ever."""
        place = urlsplit(self._endpoint)
        return None if place.scheme == "http" and place.hostname in LOOPBACK else WHOLE_S - GOOD_S

    async def variables(self, document: dict[str, Any]) -> dict[str, str]:
        """What the program's environment holds. Raises RoleUnusable."""
        try:
            principal = self._taken(document)
        except RoleRefused as refused:
            if self._enforce:
                raise RoleUnusable(f"The role of the application cannot be taken: {refused}") from None
            key = self._identity.root_key(document["scope"].partition("/")[0])
            return {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret}
        if self.good_s is not None:
            session = await self._identity.sessions.open(principal, WHOLE_S)
            return {
                "AWS_ACCESS_KEY_ID": session.access_key_id,
                "AWS_SECRET_ACCESS_KEY": session.secret,
                "AWS_SESSION_TOKEN": session.session_token,
            }
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self._endpoint}{PATH}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": _token(document),
        }

    def _taken(self, document: dict[str, Any]) -> Any:
        return self._identity.service_session(document["role"], SERVICE, document["name"][:64])

    async def answer(self, http: HttpRequest) -> Answer:
        """The keys, or a refusal."""
        shown = http.header("authorization") or ""
        document = self._document(shown)
        if document is None:
            return _json(403, {"Code": "AccessDenied", "Message": "This token is none of ours."})
        try:
            session = await self._identity.sessions.open(self._taken(document), GOOD_S)
        except RoleRefused as refused:
            return _json(403, {"Code": "AccessDenied", "Message": str(refused)})
        return _json(
            200,
            {
                "AccessKeyId": session.access_key_id,
                "SecretAccessKey": session.secret,
                "Token": session.session_token,
                "Expiration": f"{session.expires:%Y-%m-%dT%H:%M:%SZ}",
                "RoleArn": document["role"],
            },
        )

    def _document(self, shown: str) -> dict[str, Any] | None:
        """The application of a token."""
        try:
            scope, name, _ = base64.urlsafe_b64decode(shown.encode()).decode().split("\n")
        except ValueError:
            return None
        document = self._analytics.resources.find(KIND, scope, name)
        if document is None or "secret" not in document:
            return None
        return document if hmac.compare_digest(_token(document).encode(), shown.encode()) else None


def _token(document: dict[str, Any]) -> str:
    text = f"{document['scope']}\n{document['name']}\n{document['secret']}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _json(status: int, body: dict[str, str]) -> Answer:
    return status, [("content-type", "application/json")], json.dumps(body).encode()
