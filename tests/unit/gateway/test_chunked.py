"""aws-chunked bodies, in pieces of any size; and plain bodies held against what was declared."""

import base64
import hashlib
import hmac
import io

import pytest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum
from hypothesis import given
from hypothesis import strategies as st

from lakemill.gateway import chunked, sigv4
from lakemill.services.base import HttpRequest, ServiceError

PIECES = [1, 2, 3, 7, 64, 1000, 1 << 20]

# The two examples of the S3 API reference: 65536 + 1024 letters a, the key of AKIAIOSFODNN7EXAMPLE.
EXAMPLE_KEY = sigv4.signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3")
EXAMPLE_SEED = sigv4.ChunkSeed(
    EXAMPLE_KEY,
    "20130524T000000Z",
    "20130524/us-east-1/s3/aws4_request",
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
)
EXAMPLE = (
    b"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n"
    + b"a" * 65536
    + b"\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"
    + b"a" * 1024
    + b"\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
)
TRAILER_SEED = sigv4.ChunkSeed(
    EXAMPLE_KEY,
    "20130524T000000Z",
    "20130524/us-east-1/s3/aws4_request",
    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
)
TRAILER_EXAMPLE = (
    b"10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n"
    + b"a" * 65536
    + b"\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n"
    + b"a" * 1024
    + b"\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
    + b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
    + b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
)


async def in_pieces(body, size):
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def decoded(body, size=1 << 20, *, signed=False, **options):
    pieces = chunked.decode(in_pieces(body, size), signed=signed, **options)
    return b"".join([piece async for piece in pieces])


async def refused(body, **options):
    with pytest.raises(ServiceError) as caught:
        await decoded(body, **options)
    return caught.value.code


def framed(*chunks, trailers=b""):
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return body + b"0\r\n" + trailers + b"\r\n"


@pytest.mark.parametrize("size", PIECES)
async def test_a_body_framed_by_botocore_comes_out_as_it_was(size):
    payload = bytes(range(256)) * 20
    checksum = Crc32Checksum()
    body = AwsChunkedWrapper(
        io.BytesIO(payload), checksum_cls=lambda: checksum, checksum_name="x-amz-checksum-crc32", chunk_size=1000
    ).read()
    trailers = {}
    out = await decoded(body, size, length=len(payload), trailers=trailers, expected=["x-amz-checksum-crc32"])
    assert out == payload
    assert trailers == {"x-amz-checksum-crc32": checksum.b64digest()}


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=6), st.integers(1, 400))
async def test_any_chunks_in_any_pieces_come_out_whole(chunks, size):
    body = framed(*chunks)
    assert await decoded(body, size, length=sum(map(len, chunks))) == b"".join(chunks)


@pytest.mark.parametrize("size", [1, 100, 65536, 1 << 20])
async def test_the_signed_example_of_the_reference_is_verified(size):
    assert await decoded(EXAMPLE, size, signed=True, seed=EXAMPLE_SEED, length=66560) == b"a" * 66560


@pytest.mark.parametrize("size", [1, 100, 65536, 1 << 20])
async def test_the_signed_trailer_example_of_the_reference_is_verified(size):
    trailers = {}
    options = {"signed": True, "seed": TRAILER_SEED, "length": 66560, "trailers": trailers}
    assert await decoded(TRAILER_EXAMPLE, size, **options) == b"a" * 66560
    assert trailers == {"x-amz-checksum-crc32c": "sOO8/Q=="}


TAMPERINGS = {
    "a byte of the first chunk": lambda body: body.replace(b"\r\naaaa", b"\r\nbaaa", 1),
    "the length of a chunk": lambda body: body.replace(b"\r\n400;", b"\r\n3ff;"),
    "a chunk's signature": lambda body: body.replace(b"0055627c", b"0055627d"),
    "the last chunk's signature": lambda body: body.replace(b"b6c6ea8a", b"b6c6ea8b"),
    "a chunk less": lambda body: body[: body.index(b"400;")] + body[body.index(b"0;chunk-signature=b6") :],
}


@pytest.mark.parametrize("tamper", TAMPERINGS.values(), ids=TAMPERINGS)
async def test_a_signed_body_that_was_changed_is_refused(tamper):
    assert tamper(EXAMPLE) != EXAMPLE
    code = await refused(tamper(EXAMPLE), signed=True, seed=EXAMPLE_SEED)
    assert code in ("SignatureDoesNotMatch", "InvalidRequest")


async def test_a_changed_chunk_is_a_signature_that_does_not_match():
    changed = EXAMPLE.replace(b"\r\naaaa", b"\r\nbaaa", 1)
    assert await refused(changed, signed=True, seed=EXAMPLE_SEED) == "SignatureDoesNotMatch"


async def test_a_changed_trailer_is_a_signature_that_does_not_match():
    changed = TRAILER_EXAMPLE.replace(b"sOO8", b"sOO9")
    assert await refused(changed, signed=True, seed=TRAILER_SEED) == "SignatureDoesNotMatch"


async def test_a_signed_body_may_not_drop_the_signature_of_its_trailer():
    cut = TRAILER_EXAMPLE[: TRAILER_EXAMPLE.index(b"x-amz-trailer-signature")] + b"\r\n"
    assert await refused(cut, signed=True, seed=TRAILER_SEED) == "SignatureDoesNotMatch"


async def test_a_signed_body_without_signatures_is_refused():
    assert await refused(framed(b"abc"), signed=True, seed=EXAMPLE_SEED) == "InvalidRequest"


async def test_signatures_are_passed_over_where_nothing_is_verified():
    assert await decoded(EXAMPLE, length=66560) == b"a" * 66560


async def test_an_empty_body_is_one_last_chunk():
    assert await decoded(framed(), length=0) == b""


@pytest.mark.parametrize("declared", [2, 4, 0])
async def test_another_length_than_declared_is_incomplete(declared):
    assert await refused(framed(b"abc"), length=declared) == "IncompleteBody"


@pytest.mark.parametrize("end", range(len(framed(b"abcdef", trailers=b"x-amz-checksum-crc32:AAAAAA==\r\n"))))
async def test_a_body_that_stops_anywhere_is_incomplete(end):
    body = framed(b"abcdef", trailers=b"x-amz-checksum-crc32:AAAAAA==\r\n")[:end]
    assert await refused(body, length=6) == "IncompleteBody"


@pytest.mark.parametrize(
    "body",
    [
        b"xyz\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"3 \r\nabc\r\n0\r\n\r\n",
        b"\r\n",
        b"3\nabc\r\n0\r\n\r\n",
        b"3\r\nabcd\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\n",
        b"ffffffffffffffff\r\n",
        b"3;" + b"x" * 2000 + b"\r\nabc\r\n0\r\n\r\n",
        b"3;" + b"x" * 5000,
        framed(b"abc") + b"more",
    ],
    ids=lambda body: repr(bytes(body[:12])),
)
@pytest.mark.parametrize("size", [1, 1 << 20])
async def test_framing_that_makes_no_sense_is_refused(body, size):
    with pytest.raises(ServiceError) as caught:
        await decoded(body, size)
    assert (caught.value.code, caught.value.status) == ("InvalidRequest", 400)


async def test_a_line_that_never_ends_is_not_gathered():
    async def endless():
        while True:
            yield b"1" * 600

    with pytest.raises(ServiceError, match="longer than 1024 bytes"):
        async for _ in chunked.decode(endless(), signed=False):
            pass


@pytest.mark.parametrize("trailers", [b"no colon\r\n", b"x:y\r\n" * 5000])
async def test_trailers_that_make_no_sense_are_malformed(trailers):
    assert await refused(framed(b"abc", trailers=trailers)) == "MalformedTrailerError"


async def test_a_trailer_that_was_announced_must_come():
    assert await refused(framed(b"abc"), expected=["x-amz-checksum-crc32"]) == "MalformedTrailerError"


async def test_pieces_inside_a_chunk_are_passed_on_without_a_copy():
    inside = b"b" * 500
    pieces = [b"5dc\r\n" + b"a" * 500, inside, b"c" * 500 + b"\r\n0\r\n\r\n"]

    async def source():
        for piece in pieces:
            yield piece

    out = [piece async for piece in chunked.decode(source(), signed=False)]
    assert out[1] is inside


async def test_big_pieces_are_hashed_in_a_thread_and_verified_all_the_same():
    data = b"z" * (chunked.THREAD_BYTES_MIN * 3)
    head = f"{EXAMPLE_SEED.date}\n{EXAMPLE_SEED.scope}\n"

    def signature(previous, chunk):
        digest, empty = hashlib.sha256(chunk).hexdigest(), sigv4.EMPTY_SHA256
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{head}{previous}\n{empty}\n{digest}"
        return hmac.new(EXAMPLE_KEY, text.encode(), "sha256").hexdigest()

    first = signature(EXAMPLE_SEED.signature, data)
    last = signature(first, b"")
    body = b"%x;chunk-signature=%s\r\n%s\r\n0;chunk-signature=%s\r\n\r\n"
    body %= (len(data), first.encode(), data, last.encode())
    assert await decoded(body, 1 << 20, signed=True, seed=EXAMPLE_SEED, length=len(data)) == data


# Plain bodies

DATA = b"some bytes" * 100
SHA = hashlib.sha256(DATA).hexdigest()
MD5 = base64.b64encode(hashlib.md5(DATA).digest()).decode()


async def plain(body, size=64, **options):
    return b"".join([piece async for piece in chunked.plain(in_pieces(body, size), **options)])


@pytest.mark.parametrize("size", [64, 1 << 20])
async def test_a_plain_body_that_is_what_was_declared_passes(size):
    assert await plain(DATA, size, length=len(DATA), sha256=SHA, md5=MD5) == DATA


async def test_a_big_plain_body_is_hashed_in_a_thread():
    data = b"q" * (1 << 21)
    assert await plain(data, 1 << 20, sha256=hashlib.sha256(data).hexdigest()) == data


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"length": len(DATA) + 1}, "IncompleteBody"),
        ({"length": len(DATA) - 1}, "IncompleteBody"),
        ({"sha256": "0" * 64}, "XAmzContentSHA256Mismatch"),
        ({"md5": base64.b64encode(b"0" * 16).decode()}, "BadDigest"),
        ({"md5": "not base64"}, "InvalidDigest"),
        ({"md5": "YWJj"}, "InvalidDigest"),
    ],
)
async def test_a_plain_body_that_is_not_what_was_declared_is_refused(options, code):
    with pytest.raises(ServiceError) as caught:
        await plain(DATA, **options)
    assert (caught.value.code, caught.value.status) == (code, 400)


async def test_a_hash_mismatch_tells_both_hashes():
    with pytest.raises(ServiceError) as caught:
        await plain(DATA, sha256="0" * 64)
    assert caught.value.fields == {"ClientComputedContentSHA256": "0" * 64, "S3ComputedContentSHA256": SHA}


# By the headers of a request


def request(body, **headers):
    pieces = [body]

    async def receive():
        return pieces.pop() if pieces else None

    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return HttpRequest("PUT", b"/b/k", b"", named, "http", "127.0.0.1", receive)


def verified(payload):
    return sigv4.Verified(payload, EXAMPLE_SEED)


async def read(http, checked, **options):
    return b"".join([piece async for piece in chunked.body_pieces(http, checked, **options)])


async def test_the_headers_choose_plain_bodies():
    http = request(DATA, content_length=str(len(DATA)), content_md5=MD5)
    assert await read(http, verified(SHA)) == DATA


async def test_the_headers_choose_unsigned_chunks_with_trailers():
    trailers = {}
    body = framed(b"abc", trailers=b"X-Amz-Checksum-Crc32: AAAA\r\n")
    http = request(body, x_amz_decoded_content_length="3", x_amz_trailer="x-amz-checksum-crc32")
    assert await read(http, verified("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), trailers=trailers) == b"abc"
    assert trailers == {"x-amz-checksum-crc32": "AAAA"}


async def test_the_headers_choose_signed_chunks():
    http = request(EXAMPLE, x_amz_decoded_content_length="66560")
    assert await read(http, verified("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")) == b"a" * 66560


async def test_a_chunked_body_must_declare_its_decoded_length():
    with pytest.raises(ServiceError) as caught:
        await read(request(framed(b"abc")), verified("STREAMING-UNSIGNED-PAYLOAD-TRAILER"))
    assert (caught.value.code, caught.value.status) == ("MissingContentLength", 411)


async def test_content_md5_of_a_chunked_body_is_that_of_its_payload():
    md5 = base64.b64encode(hashlib.md5(b"abc").digest()).decode()
    headers = {"x_amz_decoded_content_length": "3", "content_md5": md5}
    assert await read(request(framed(b"abc"), **headers), verified("STREAMING-UNSIGNED-PAYLOAD-TRAILER")) == b"abc"


async def test_signed_chunks_need_a_signed_request_unless_nothing_is_authenticated():
    headers = {"x_amz_content_sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "x_amz_decoded_content_length": "66560"}
    with pytest.raises(ServiceError, match="signed request"):
        await read(request(EXAMPLE, **headers), None)
    assert await read(request(EXAMPLE, **headers), None, believe_chunks=True) == b"a" * 66560
