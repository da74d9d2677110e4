"""STS's handlers and permissions, without a server."""

import datetime
import json

import botocore.session
import pytest

from lakemill.engines.identity import Identity, RoleRefused
from lakemill.engines.identity.errors import ValueInvalid
from lakemill.ports.clock import ManualClock
from lakemill.ports.metadata import EmbeddedMetadata
from lakemill.services.base import Call, HttpRequest
from lakemill.services.sts import Sts

HOME = "111111111111"
HTTP = HttpRequest("POST", b"/", b"", [("user-agent", "test/1")], "http", "192.0.2.7", None)


@pytest.fixture
def clock():
    return ManualClock(1_738_324_800)


@pytest.fixture
def identity(tmp_path, clock):
    metadata = EmbeddedMetadata(tmp_path / "metadata.sqlite", clock)
    yield Identity(metadata, clock, HOME)
    metadata.close()


@pytest.fixture
def sts(identity, clock):
    return Sts(identity, clock)


def call(operation, principal):
    return Call("sts", operation, "us-east-1", principal.account, principal, "request", HTTP)


async def role(identity, condition):
    statement = {"Effect": "Allow", "Principal": {"AWS": HOME}, "Action": "sts:AssumeRole", "Condition": condition}
    trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
    await identity.roles.create(
        HOME, "etl", "/jobs/", trust=trust, pins={}, description="", session_s_max=3600, boundary=None, tags={}
    )
    return {"RoleArn": f"arn:aws:iam::{HOME}:role/jobs/etl", "RoleSessionName": "nightly"}


def test_every_error_is_one_that_the_model_knows(sts):
    model = botocore.session.get_session().get_service_model("sts")
    known = {shape.metadata.get("error", {}).get("code", shape.name) for shape in model.error_shapes}
    assert set(sts.errors.values()) - known == {"AccessDenied", "ValidationError", "InvalidParameterValue"}


def test_who_calls_may_know_who_it_is(identity, sts):
    root = identity.root(HOME)
    asked = call("GetCallerIdentity", root)
    assert sts.needs(asked, {}) == []
    assert sts.get_caller_identity(asked, {}) == {"UserId": HOME, "Account": HOME, "Arn": root.arn}


async def test_a_role_is_taken_with_the_times_of_the_clock(identity, sts, clock):
    request = await role(identity, {})
    answer = await sts.assume_role(call("AssumeRole", identity.root(HOME)), request | {"DurationSeconds": 900})
    assert answer["Credentials"]["Expiration"] == clock.now() + datetime.timedelta(seconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{HOME}:assumed-role/etl/nightly"
    assert "PackedPolicySize" not in answer


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, True),
        ({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}, False),
        ({"StringLike": {"sts:RoleSessionName": "night*"}}, True),
        ({"StringLike": {"sts:RoleSessionName": "day*"}}, False),
        ({"StringEquals": {"aws:UserAgent": "test/1"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, False),
    ],
)
async def test_the_trust_policy_sees_the_request(identity, sts, condition, taken):
    request = await role(identity, condition)
    asked = call("AssumeRole", identity.root(HOME))
    if taken:
        assert (await sts.assume_role(asked, request))["Credentials"]["AccessKeyId"].startswith("ASIA")
    else:
        with pytest.raises(RoleRefused):
            await sts.assume_role(asked, request)


def test_federation_needs_a_permission_and_a_token_for_oneself_does_not(identity, sts):
    root = identity.root(HOME)
    (need,) = sts.needs(call("GetFederationToken", root), {"Name": "guest"})
    assert (need.action, need.resource) == ("sts:GetFederationToken", f"arn:aws:sts::{HOME}:federated-user/guest")
    assert sts.needs(call("GetSessionToken", root), {}) == []


async def test_the_account_of_any_key_is_told(identity, sts):
    root = identity.root(HOME)
    other = identity.root_key("222222222222")
    asked = call("GetAccessKeyInfo", root)
    assert sts.get_access_key_info(asked, {"AccessKeyId": other.access_key_id}) == {"Account": "222222222222"}
    held = await identity.sessions.open(root, 900)
    assert sts.get_access_key_info(asked, {"AccessKeyId": held.access_key_id}) == {"Account": HOME}
    with pytest.raises(ValueInvalid):
        sts.get_access_key_info(asked, {"AccessKeyId": "AKIANOBODYATALL"})
