"""SigV4 verified: what botocore signs is accepted, what was changed afterwards is not."""

import datetime
import hashlib

import botocore.auth
import msgspec
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.unit.gateway.signing import KEY_ID, NOW, NOW_S, SECRET, at, signed, wire

from lakemill.gateway import sigfaults, sigv4

BASE = "http://127.0.0.1:4566"
URLS = {
    "a plain key": "/bucket/key",
    "an escaped space": "/bucket/a%20b",
    "an escaped plus": "/bucket/a%2Bb",
    "a raw plus": "/bucket/a+b",
    "doubled slashes": "/bucket//a///b/",
    "dot segments": "/bucket/./a/../b",
    "unicode": "/bucket/%C3%A4%E2%82%AC/%F0%9F%98%80",
    "reserved characters": "/bucket/a%3Ab%40c%3D%26%24%2C%3B%21*'()",
    "a tilde": "/bucket/~user",
    "an escaped per cent": "/bucket/100%25",
    "an escaped slash": "/bucket/a%2Fb",
    "a query without values": "/bucket?acl",
    "a query in disorder": "/bucket?prefix=b&delimiter=%2F&list-type=2",
    "a query with a space and a plus": "/bucket?prefix=a%20b%2Bc",
    "a name that comes twice": "/bucket?tag=b&tag=a&tag=",
    "an equals sign in a value": "/bucket?marker=a%3Db",
    "unicode in the query": "/bucket?prefix=%C3%BC",
    "the root": "/",
}


def check(http, *, secret=SECRET, now=NOW_S, **options):
    return sigv4.verify(http, sigv4.read_claim(http), secret, now=now, **options)


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
@pytest.mark.parametrize("service", ["s3", "sagemaker"])
@pytest.mark.parametrize("presigned", [False, True], ids=["header", "presigned"])
@pytest.mark.parametrize("library", ["botocore", "crt"])
def test_what_botocore_signs_is_verified(library, service, presigned, url):
    http = signed(BASE + url, service=service, presigned=presigned, library=library)
    check(http)
    claim = sigv4.read_claim(http)
    assert (claim.access_key_id, claim.service, claim.region) == (KEY_ID, service, "us-east-1")
    assert claim.presigned is presigned


def test_the_headers_of_a_json_call_are_verified_with_its_body():
    body = b'{"StreamName": "orders"}'
    headers = {"X-Amz-Target": "Kinesis_20131202.PutRecord", "Content-Type": "application/x-amz-json-1.1"}
    http = signed(BASE + "/", method="POST", service="kinesis", headers=headers, data=body)
    assert check(http, body=body).payload == hashlib.sha256(body).hexdigest()


def test_another_body_than_was_signed_is_refused():
    http = signed(BASE + "/", method="POST", service="kinesis", data=b'{"a": 1}')
    with pytest.raises(sigfaults.SignatureMismatch):
        check(http, body=b'{"a": 2}')


def test_a_declared_hash_does_not_stand_for_the_body_outside_s3():
    signed_hash = hashlib.sha256(b"signed").hexdigest()
    http = signed(BASE + "/", method="POST", service="sts", headers={"X-Amz-Content-SHA256": signed_hash})
    assert check(http, body=b"signed").payload == signed_hash
    with pytest.raises(sigfaults.SignatureMismatch):
        check(http, body=b"sent")


def test_inner_spaces_of_headers_collapse():
    http = signed(BASE + "/b/k", headers={"x-amz-meta-note": "  two   words\tand  more "})
    assert check(http)


def test_repeated_headers_are_joined_by_commas():
    http = signed(BASE + "/b/k", headers={"x-amz-meta-list": "a,b"})
    at_ = [name for name, _ in http.headers].index("x-amz-meta-list")
    http.headers[at_ : at_ + 1] = [("x-amz-meta-list", " a "), ("x-amz-meta-list", "b")]
    assert check(http)


def test_headers_in_utf8_are_verified_as_they_came():
    http = signed(BASE + "/b/k", headers={"x-amz-meta-name": "Zoë"})
    http.headers = [(name, value.encode().decode("latin-1")) for name, value in http.headers]
    assert check(http)


@pytest.mark.parametrize("service", ["s3", "sts"])
@pytest.mark.parametrize("presigned", [False, True], ids=["header", "presigned"])
def test_the_session_token_is_read_and_verified(service, presigned):
    http = signed(BASE + "/", service=service, token="tok/en+with==signs", presigned=presigned)
    assert sigv4.read_claim(http).session_token == "tok/en+with==signs"
    assert check(http)


def test_a_token_added_to_a_presigned_query_after_signing_is_accepted():
    http = signed(BASE + "/?Action=GetCallerIdentity", service="sts", presigned=True)
    http.query_string += b"&X-Amz-Security-Token=later"
    assert sigv4.read_claim(http).session_token == "later"
    assert check(http)


def test_a_date_header_serves_where_there_is_no_x_amz_date():
    http = signed(BASE + "/b/k", headers={"Date": "Fri, 31 Jan 2025 12:00:00 GMT"})
    assert http.header("x-amz-date") is None
    assert check(http)


def test_the_default_port_may_be_sent_though_it_was_not_signed():
    http = signed("https://s3.amazonaws.com/b/k")
    http.headers = [(name, "s3.amazonaws.com:443" if name == "host" else value) for name, value in http.headers]
    assert check(http)


def test_an_s3_path_sent_in_another_spelling_means_the_same_key():
    http = signed(BASE + "/b/a%2Bb%3Ac")
    http.raw_path = b"/b/a+b:c"
    assert check(http)


def test_a_space_sent_as_plus_in_the_query_is_the_space_that_was_signed():
    http = signed(BASE + "/b?prefix=a%20b")
    http.query_string = b"prefix=a+b"
    assert check(http)


def test_spaces_after_the_commas_of_the_header_are_optional():
    http = signed(BASE + "/b/k")
    http.headers = [
        (name, value.replace(", ", ",") if name == "authorization" else value) for name, value in http.headers
    ]
    assert check(http)


def test_the_pieces_of_the_header_may_come_in_any_order():
    http = signed(BASE + "/b/k")
    algorithm, rest = http.header("authorization").split(" ", 1)
    turned = f"{algorithm} {', '.join(reversed(rest.split(', ')))}"
    http.headers = [(name, turned if name == "authorization" else value) for name, value in http.headers]
    assert check(http)


@pytest.mark.parametrize(
    ("http", "payload"),
    [
        (signed(BASE + "/b/k", method="PUT", data=b"abc"), hashlib.sha256(b"abc").hexdigest()),
        (signed(BASE + "/b/k", presigned=True), "UNSIGNED-PAYLOAD"),
    ],
    ids=["header", "presigned"],
)
def test_the_payload_an_s3_request_declares_is_told(http, payload):
    assert check(http).payload == payload


def test_streaming_payloads_come_with_the_seed_of_their_chunks():
    request = AWSRequest(method="PUT", url="https://127.0.0.1:4566/b/k", data=b"abc")
    request.context["signing"] = {}
    request.context["checksum"] = {"request_algorithm": {"in": "trailer", "algorithm": "crc32"}}
    with at(NOW):
        botocore.auth.S3SigV4Auth(Credentials(KEY_ID, SECRET), "s3", "eu-west-1").add_auth(request)
    prepared = request.prepare()
    verified = check(wire("PUT", prepared.url, prepared.headers.items()))
    assert verified.payload == "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    assert verified.seed.scope == "20250131/eu-west-1/s3/aws4_request"
    assert verified.seed.signature == prepared.headers["Authorization"].rsplit("=", 1)[1]


def changed(http, **changes):
    return msgspec.structs.replace(http, query_pairs=None, first=None, **changes)


def with_header(http, name, value):
    return changed(http, headers=[(n, value if n == name else v) for n, v in http.headers])


TAMPERINGS = {
    "the method": lambda http: changed(http, method="DELETE"),
    "the path": lambda http: changed(http, raw_path=b"/bucket/other"),
    "a query value": lambda http: changed(http, query_string=http.query_string.replace(b"versionId=1", b"versionId=2")),
    "a query parameter more": lambda http: changed(http, query_string=http.query_string + b"&acl"),
    "the host": lambda http: with_header(http, "host", "elsewhere:4566"),
    "a signed header": lambda http: with_header(http, "x-amz-meta-a", "2"),
    "a signed header less": lambda http: changed(http, headers=[h for h in http.headers if h[0] != "x-amz-meta-a"]),
}


@pytest.mark.parametrize("tamper", TAMPERINGS.values(), ids=TAMPERINGS)
@pytest.mark.parametrize("presigned", [False, True], ids=["header", "presigned"])
def test_a_change_after_signing_is_refused(presigned, tamper):
    http = signed(BASE + "/bucket/key?versionId=1", headers={"x-amz-meta-a": "1"}, presigned=presigned)
    assert check(http)
    with pytest.raises(sigfaults.SignatureMismatch):
        check(tamper(http))


def test_another_secret_is_refused_and_the_fault_shows_both_strings():
    http = signed(BASE + "/b/k")
    with pytest.raises(sigfaults.SignatureMismatch) as caught:
        check(http, secret="another")
    fault = caught.value
    assert fault.canonical_request.startswith("GET\n/b/k\n\nhost:127.0.0.1:4566\n")
    assert fault.string_to_sign.startswith("AWS4-HMAC-SHA256\n20250131T120000Z\n20250131/us-east-1/s3/aws4_request\n")


def test_headers_that_had_to_be_signed_are_named():
    http = signed(BASE + "/b/k")
    http.headers.append(("x-amz-acl", "public-read"))
    with pytest.raises(sigfaults.HeadersUnsigned, match="'x-amz-acl' must be a 'SignedHeader'"):
        check(http)


def test_the_host_must_be_signed():
    http = signed(BASE + "/b/k")
    http = with_header(
        http, "authorization", http.header("authorization").replace("SignedHeaders=host;", "SignedHeaders=")
    )
    with pytest.raises(sigfaults.HeadersUnsigned, match="'host'"):
        check(http)


@pytest.mark.parametrize(("service", "seconds"), [("s3", 900), ("kinesis", 300)])
@pytest.mark.parametrize("sign", [1, -1], ids=["late", "early"])
def test_the_clock_may_be_off_so_far_and_no_further(service, seconds, sign):
    http = signed(BASE + "/", service=service)
    assert check(http, now=NOW_S + sign * seconds)
    with pytest.raises(sigfaults.ClockSkewed):
        check(http, now=NOW_S + sign * (seconds + 1))


def test_a_presigned_url_ends():
    http = signed(BASE + "/b/k", presigned=True, expires=60)
    assert check(http, now=NOW_S + 60)
    with pytest.raises(sigfaults.PresignExpired) as caught:
        check(http, now=NOW_S + 61)
    assert caught.value.expires_s == 60


def test_a_presigned_url_of_the_future_is_not_valid_yet():
    with pytest.raises(sigfaults.PresignNotYetValid):
        check(signed(BASE + "/b/k", presigned=True), now=NOW_S - 901)


@pytest.mark.parametrize(
    ("expires", "said"),
    [(604_801, "must be less than a week"), (-1, "must be non-negative"), ("soon", "should be a number")],
)
def test_a_lifetime_must_make_sense(expires, said):
    with pytest.raises(sigfaults.QueryMalformed, match=said):
        check(signed(BASE + "/b/k", presigned=True, expires=expires))


def test_a_week_is_the_longest_lifetime():
    assert check(signed(BASE + "/b/k", presigned=True, expires=604_800))


def test_a_scope_of_another_day_than_the_date_is_refused():
    http = signed(BASE + "/b/k")
    http = with_header(http, "authorization", http.header("authorization").replace("/20250131/", "/20250130/"))
    with pytest.raises(sigfaults.ScopeDateMismatch, match="Date in Credential scope does not match YYYYMMDD"):
        check(http)


def test_region_and_service_of_the_scope_are_held_against_what_is_known():
    http = signed(BASE + "/", service="kinesis", region="eu-west-1")
    assert check(http, region="eu-west-1", service="kinesis")
    with pytest.raises(sigfaults.RegionWrong):
        check(http, region="us-east-1")
    with pytest.raises(sigfaults.ServiceWrong, match="correct service: 'sqs'"):
        check(http, service="sqs")


def test_a_scope_must_end_in_aws4_request():
    http = signed(BASE + "/b/k")
    http = with_header(http, "authorization", http.header("authorization").replace("aws4_request", "aws5_request"))
    with pytest.raises(sigfaults.TerminatorWrong):
        sigv4.read_claim(http)


def test_nobody_signed_means_no_claim():
    assert sigv4.read_claim(wire("GET", BASE + "/b/k?prefix=a", [])) is None


def test_header_and_query_at_once_are_refused():
    http = signed(BASE + "/b/k")
    http.query_string = signed(BASE + "/b/k", presigned=True).query_string
    with pytest.raises(sigfaults.BothMechanisms):
        sigv4.read_claim(http)


@pytest.mark.parametrize(
    ("authorization", "fault", "said"),
    [
        ("AWS AKID:c2ln", sigfaults.MechanismRefused, "Signature Version 2"),
        ("AWS4-ECDSA-P256-SHA256 Credential=A/20250131/s3/aws4_request", sigfaults.MechanismRefused, "Version 4A"),
        ("Bearer abc", sigfaults.MechanismRefused, "Bearer"),
        ("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00", sigfaults.HeaderMalformed, "requires 'Credential'"),
        ("AWS4-HMAC-SHA256 Credential=A/20250131/r/s3/aws4_request", sigfaults.HeaderMalformed, "requires 'Signature'"),
        ("AWS4-HMAC-SHA256 Credential=A, SignedHeaders=host, Signature=00", sigfaults.HeaderMalformed, "mal-formed"),
        (
            "AWS4-HMAC-SHA256 Credential=A/20250131/r/s3/aws4_request, SignedHeaders=host, Signature=" + "0" * 64,
            sigfaults.HeaderMalformed,
            "'X-Amz-Date' or a 'Date' header",
        ),
    ],
)
def test_a_header_that_cannot_be_used_is_refused_saying_why(authorization, fault, said):
    with pytest.raises(fault, match=said):
        sigv4.read_claim(wire("GET", BASE + "/b/k", [("authorization", authorization)]))


def test_a_presigned_url_of_version_2_is_refused():
    url = BASE + "/b/k?AWSAccessKeyId=AKID&Signature=c2ln&Expires=1738324800"
    with pytest.raises(sigfaults.MechanismRefused) as caught:
        sigv4.read_claim(wire("GET", url, []))
    refusal = sigfaults.answer(caught.value, "s3")
    assert (refusal.code, refusal.status) == ("InvalidRequest", 400)
    assert "AWS4-HMAC-SHA256" in refusal.message


@pytest.mark.parametrize("name", ["Credential", "Signature", "Date", "SignedHeaders", "Expires"])
def test_a_presigned_parameter_that_is_missing_is_named(name):
    http = signed(BASE + "/b/k", presigned=True)
    kept = [pair for pair in http.query_string.split(b"&") if not pair.startswith(f"X-Amz-{name}=".encode())]
    http.query_string = b"&".join(kept)
    with pytest.raises(sigfaults.QueryMalformed, match=f"X-Amz-{name} is missing"):
        sigv4.read_claim(http)


def test_a_signature_that_is_no_hexadecimal_number_is_a_mismatch():
    http = signed(BASE + "/b/k")
    http = with_header(http, "authorization", http.header("authorization").rsplit("=", 1)[0] + "=n\xf6")
    with pytest.raises(sigfaults.SignatureMismatch):
        check(http)


def test_an_s3_request_must_declare_its_payload():
    http = signed(BASE + "/b/k")
    http.headers = [header for header in http.headers if header[0] != "x-amz-content-sha256"]
    with pytest.raises(sigfaults.PayloadHashMissing):
        check(http)
    http.headers.append(("x-amz-content-sha256", "abc"))
    with pytest.raises(sigfaults.PayloadHashInvalid):
        check(http)


# Browser forms


def form(moment=NOW, token=None):
    request = AWSRequest(method="POST", url=BASE + "/b")
    policy = {"expiration": "2025-02-01T00:00:00Z", "conditions": [{"bucket": "b"}]}
    request.context |= {"s3-presign-post-fields": {}, "s3-presign-post-policy": policy}
    with at(moment):
        botocore.auth.S3SigV4PostAuth(Credentials(KEY_ID, SECRET, token), "s3", "us-east-1").add_auth(request)
    return request.context["s3-presign-post-fields"]


def test_the_form_botocore_signs_is_verified():
    fields = form(token="tok")
    claim = sigv4.read_form_claim(fields)
    assert (claim.access_key_id, claim.session_token) == (KEY_ID, "tok")
    assert sigv4.verify_form(claim, fields["policy"], SECRET, now=NOW_S + 3600).payload == "UNSIGNED-PAYLOAD"


def test_another_policy_than_the_form_signed_is_refused():
    claim = sigv4.read_form_claim(form())
    with pytest.raises(sigfaults.SignatureMismatch):
        sigv4.verify_form(claim, "e30=", SECRET, now=NOW_S)


def test_a_form_without_policy_and_signature_is_nobodys():
    assert sigv4.read_form_claim({"key": "a"}) is None


def test_a_form_with_half_of_it_is_refused_naming_the_field():
    fields = form()
    del fields["x-amz-date"]
    with pytest.raises(sigfaults.QueryMalformed, match="'x-amz-date'"):
        sigv4.read_form_claim(fields)


def test_a_form_of_version_2_is_refused():
    with pytest.raises(sigfaults.MechanismRefused):
        sigv4.read_form_claim({"policy": "e30=", "awsaccesskeyid": KEY_ID, "signature": "c2ln"})


def test_a_form_of_another_day_than_its_scope_is_refused():
    fields = form(NOW + datetime.timedelta(days=1)) | {"x-amz-date": "20250131T120000Z"}
    with pytest.raises(sigfaults.ScopeDateMismatch):
        sigv4.verify_form(sigv4.read_form_claim(fields), fields["policy"], SECRET, now=NOW_S)
