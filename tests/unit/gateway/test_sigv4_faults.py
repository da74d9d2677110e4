"""The table of authentication faults: code and status by protocol family."""

import pytest

from lakemill.engines.identity import KeyUnknown, TokenExpired, TokenInvalid
from lakemill.gateway import sigfaults as f

MISMATCH = f.SignatureMismatch("AKID", "00", "to sign", "canonical")
SKEWED = f.ClockSkewed(1_738_324_800, 1_738_324_800 + 3600, 300)

# The fault; what S3, JSON and Query services answer.
ROWS = [
    (SKEWED, "RequestTimeTooSkewed 403", "InvalidSignatureException 400", "SignatureDoesNotMatch 403"),
    (f.ScopeDateMismatch("20250130", "20250131"), "AuthorizationHeaderMalformed 400", "InvalidSignatureException 400", "SignatureDoesNotMatch 403"),  # noqa: E501
    (f.RegionWrong("a", "b"), "AuthorizationHeaderMalformed 400", "InvalidSignatureException 400", "SignatureDoesNotMatch 403"),  # noqa: E501
    (f.ServiceWrong("a", "b"), "AuthorizationHeaderMalformed 400", "InvalidSignatureException 400", "SignatureDoesNotMatch 403"),  # noqa: E501
    (f.TerminatorWrong("x"), "AuthorizationHeaderMalformed 400", "InvalidSignatureException 400", "SignatureDoesNotMatch 403"),  # noqa: E501
    (MISMATCH, "SignatureDoesNotMatch 403", "InvalidSignatureException 400", "SignatureDoesNotMatch 403"),
    (KeyUnknown("AKID"), "InvalidAccessKeyId 403", "UnrecognizedClientException 400", "InvalidClientTokenId 403"),
    (TokenExpired("ASIA"), "ExpiredToken 400", "ExpiredTokenException 400", "ExpiredToken 403"),
    (TokenInvalid("ASIA"), "InvalidToken 400", "UnrecognizedClientException 400", "InvalidClientTokenId 403"),
    (f.NotAuthenticated(), "AccessDenied 403", "MissingAuthenticationTokenException 400", "MissingAuthenticationToken 403"),  # noqa: E501
    (f.HeaderMalformed("x"), "AuthorizationHeaderMalformed 400", "IncompleteSignatureException 400", "IncompleteSignature 400"),  # noqa: E501
    (f.PresignExpired(0, 60, 100), "AccessDenied 403", "InvalidSignatureException 400", "SignatureDoesNotMatch 403"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row[0]).__name__)
def test_each_family_has_its_own_code(row):
    fault, *expected = row
    answers = [f.answer(fault, family) for family in ("s3", "json", "query")]
    assert [f"{answer.code} {answer.status}" for answer in answers] == expected


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row[0]).__name__)
def test_rest_services_say_what_json_services_say_with_403(row):
    rest, json = f.answer(row[0], "rest"), f.answer(row[0], "json")
    assert (rest.code, rest.message, rest.status) == (json.code, json.message, 403)


def test_a_skewed_clock_is_told_with_all_three_times():
    fields = f.answer(SKEWED, "s3").fields
    assert fields == {
        "RequestTime": "20250131T120000Z",
        "ServerTime": "2025-01-31T13:00:00Z",
        "MaxAllowedSkewMilliseconds": "300000",
    }
    assert f.answer(SKEWED, "json").message == (
        "Signature expired: 20250131T120000Z is now earlier than 20250131T125500Z (20250131T130000Z - 5 min.)"
    )


def test_a_clock_ahead_is_told_as_not_yet_current():
    ahead = f.ClockSkewed(1_738_324_800 + 3600, 1_738_324_800, 300)
    assert f.answer(ahead, "query").message == (
        "Signature not yet current: 20250131T130000Z is still later than 20250131T120500Z (20250131T120000Z + 5 min.)"
    )


def test_a_mismatch_shows_s3_clients_what_to_compare():
    fields = f.answer(MISMATCH, "s3").fields
    assert fields["AWSAccessKeyId"] == "AKID"
    assert fields["StringToSign"] == "to sign"
    assert fields["SignatureProvided"] == "00"
    assert fields["CanonicalRequest"] == "canonical"


def test_a_mismatch_shows_other_clients_both_strings_in_its_text():
    message = f.answer(MISMATCH, "json").message
    assert message.startswith("The request signature we calculated does not match the signature you provided.")
    assert "'canonical'" in message
    assert "'to sign'" in message


def test_a_wrong_region_tells_s3_clients_the_right_one():
    assert f.answer(f.RegionWrong("eu-west-1", "us-east-1"), "s3").fields == {"Region": "us-east-1"}


def test_an_expired_url_is_told_with_its_times():
    answer = f.answer(f.PresignExpired(1_738_324_800, 60, 1_738_324_900), "s3")
    assert answer.message == "Request has expired"
    assert answer.fields == {
        "X-Amz-Expires": "60",
        "Expires": "2025-01-31T12:01:00Z",
        "ServerTime": "2025-01-31T12:01:40Z",
    }


def test_every_fault_has_its_row():
    def leaves(kind):
        return [kind] if not kind.__subclasses__() else [leaf for sub in kind.__subclasses__() for leaf in leaves(sub)]

    assert set(leaves(f.SignatureFault)) | {KeyUnknown, TokenExpired, TokenInvalid} == set(f.TABLE)
