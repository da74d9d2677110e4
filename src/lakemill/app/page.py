"""The overview page's rows, for those who know the root key."""

import asyncio
import base64
import hmac

from lakemill.app.parts import App
from lakemill.console import overview
from lakemill.gateway.internal import Answer
from lakemill.services.base import HttpRequest

ROWS_MAX = 50


async def page(app: App, http: HttpRequest) -> Answer:
    """The overview page; like everything else it is for those who know the root key (HTTP basic authentication)."""
    if app.settings.auth != "off" and not _knows_root_key(app, http.header("authorization") or ""):
        challenge = [("www-authenticate", 'Basic realm="lakemill: access key id and secret of the root key"')]
        return 401, challenge, b"The console asks for the root key: its id as the user, its secret as the password.\n"

    def rows(kind: str) -> list[dict[str, object]]:
        documents = sorted(app.sagemaker.resources.all(kind), key=lambda one: one["created"], reverse=True)
        return [
            {"name": one["name"], "status": one.get("status", ""), "created": f"{one['created']:%Y-%m-%d %H:%M:%S}"}
            for one in documents[:ROWS_MAX]
        ]

    buckets: list[dict[str, object]] = [
        {"name": one.name} for one in app.objects.buckets.owned_by(app.settings.account)
    ]
    streams: list[dict[str, object]] = [
        {"name": one.name, "status": f"{len(one.open)} shards", "created": f"{one.created:%Y-%m-%d %H:%M:%S}"}
        for one in app.streams.registry.everywhere()[:ROWS_MAX]
    ]
    sections: dict[str, list[dict[str, object]]] = {
        "Endpoints": rows("endpoint"),
        "Training jobs": rows("training-job"),
        "Transform jobs": rows("transform-job"),
        "Models": rows("model"),
        "Buckets": buckets,
        "Streams": streams,
        "Delivery streams": rows("delivery-stream"),
        "Applications": rows("analytics-application"),
        "Functions": rows("function"),
    }
    body = await asyncio.to_thread(overview, f"lakemill at {app.settings.host}:{app.settings.port}", sections)
    return 200, [("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store")], body


def _knows_root_key(app: App, authorization: str) -> bool:
    key = app.identity.root_key()
    expected = base64.b64encode(f"{key.access_key_id}:{key.secret}".encode()).decode()
    return hmac.compare_digest(authorization.encode(), f"Basic {expected}".encode())
