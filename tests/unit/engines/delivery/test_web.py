"""The web client, against a real server and a broken one."""

import asyncio
import ssl

import pytest

from lakemill.engines.delivery.web import TooLate, Unreachable, Unreadable, WebClient
from lakemill.gateway.authority import Authority
from tests.unit.engines.delivery.servers import serving


async def test_a_body_goes_out_and_an_answer_comes_back():
    async with serving() as server:

        async def answer(request, body):
            return 201, {"X-Said": "yes"}, body[::-1]

        server.answer = answer
        got = await WebClient().post(server.url + "/a/b?c=d", {"X-Asked": "1"}, b"abc" * 50_000, timeout_s=5)
        assert (got.status, got.headers["x-said"], got.body) == (201, "yes", b"cba" * 50_000)
        request, _ = server.requests[0]
        assert (request.method, request.path_qs, request.headers["X-Asked"]) == ("POST", "/a/b?c=d", "1")


async def test_a_certificate_must_be_trusted(tmp_path):
    authority = Authority(tmp_path)
    chain, key = authority.leaf(["127.0.0.1"])
    (tmp_path / "chain.pem").write_bytes(chain)
    (tmp_path / "key.pem").write_bytes(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    async with serving(context) as server:

        async def answer(request, body):
            return 200, {}, b"safe"

        server.answer = answer
        got = await WebClient(authority.certificate_path).post(server.url, {}, b"", timeout_s=5)
        assert got.body == b"safe"
        with pytest.raises(Unreachable, match="certificate"):
            await WebClient().post(server.url, {}, b"", timeout_s=5)


async def test_an_answer_that_takes_too_long_is_given_up():
    async with serving() as server:

        async def answer(request, body):
            await asyncio.sleep(5)

        server.answer = answer
        with pytest.raises(TooLate):
            await WebClient().post(server.url, {}, b"", timeout_s=0.1)


async def test_an_answer_that_is_too_long_is_given_up():
    async with serving() as server:

        async def answer(request, body):
            return 200, {}, b"x" * 5000

        server.answer = answer
        with pytest.raises(Unreadable):
            await WebClient().post(server.url, {}, b"", timeout_s=5, bytes_max=1000)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", b"hello\r\n\r\n"])
async def test_an_answer_that_breaks_off_is_none(said):
    async def broken(reader, writer):
        await reader.read(100)
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(broken, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(Unreachable):
        await WebClient().post(url, {}, b"", timeout_s=5)
    server.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "ftp://127.0.0.1/", "nonsense"])
async def test_a_server_that_is_not_there_cannot_be_reached(url):
    with pytest.raises(Unreachable):
        await WebClient().post(url, {}, b"", timeout_s=5)


async def test_secrets_in_an_address_are_not_repeated():
    with pytest.raises(Unreachable) as caught:
        await WebClient().post("http://user:secret@127.0.0.1:1/x?key=secret", {}, b"", timeout_s=5)
    assert "secret" not in str(caught.value)


async def test_a_header_is_never_more_than_a_line():
    async with serving() as server:
        with pytest.raises(Unreachable, match="line break"):
            await WebClient().post(server.url, {"X-Key": "a\r\nX-Other: b"}, b"", timeout_s=5)
        assert server.requests == []


async def test_an_address_may_have_spaces_and_other_letters():
    async with serving() as server:

        async def answer(request, body):
            return 200, {}, b""

        server.answer = answer
        await WebClient().post(server.url + "/a b/\u00e4?c=d e", {}, b"", timeout_s=5)
        assert server.requests[0][0].raw_path == "/a%20b/%C3%A4?c=d%20e"
