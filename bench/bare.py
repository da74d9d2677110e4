"""The least a server can do: a fixed small JSON for every request."""

BODY = b'{"UserId":"000000000000","Account":"000000000000","Arn":"arn:aws:iam::000000000000:root"}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]


async def app(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
