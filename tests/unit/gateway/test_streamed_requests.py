"""Operations botocore lacks, and signatures of bodies that are still to come."""

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from lakemill.gateway import models, protocols, sigv4
from lakemill.gateway.sigfaults import SignatureMismatch
from lakemill.services.base import HttpRequest


def test_put_media_is_found_and_takes_its_body_as_it_comes():
    operation = models.operation_model("kinesis-video-media", "PutMedia")
    assert protocols.takes_stream(operation)
    assert protocols.gives_stream(operation)
    assert operation.error_shapes[0].name == "ResourceNotFoundException"
    finder = models.Finder(["kinesisvideo", "kinesis-video-media", "kinesis-video-archived-media"])
    for path, found in (("/putMedia", "PutMedia"), ("/getMedia", "GetMedia"), ("/listFragments", "ListFragments")):
        http = HttpRequest("POST", path.encode(), b"", [], "http", "", None)
        assert finder.find("kinesisvideo", http).operation.name == found


class Unsigned(botocore.auth.SigV4Auth):
    """As producers sign: a payload that is not declared, and not hashed."""

    def payload(self, request):
        return "UNSIGNED-PAYLOAD"


@pytest.mark.parametrize("signer", [Unsigned, botocore.auth.SigV4Auth])
def test_a_body_to_come_may_be_signed_as_unsigned_or_as_empty(signer):
    request = botocore.awsrequest.AWSRequest("POST", "http://127.0.0.1/putMedia")
    signer(botocore.credentials.Credentials("AKIA1", "secret"), "kinesisvideo", "us-east-1").add_auth(request)
    fields = [("host", "127.0.0.1"), *((name.lower(), value) for name, value in request.headers.items())]
    http = HttpRequest("POST", b"/putMedia", b"", fields, "http", "", None)
    claim = sigv4.read_claim(http)
    now = sigv4.seconds(claim.date)
    verified = sigv4.verify(http, claim, "secret", now=now, service="kinesisvideo", streamed=True)
    assert verified.payload == "UNSIGNED-PAYLOAD"
    with pytest.raises(SignatureMismatch):
        sigv4.verify(http, claim, "other", now=now, streamed=True)
