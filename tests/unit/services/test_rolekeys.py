"""Keys of a role for a program."""

import dataclasses
import json

import pytest

from lakemill.engines.identity import Identity, RoleRefused
from lakemill.ports.clock import ManualClock
from lakemill.services.base import HttpRequest
from lakemill.services.rolekeys import Holder, RoleKeys

SERVICE = "glue.amazonaws.com"
ROLE = "arn:aws:iam::000000000000:role/worker"
HOLDER = Holder("here\nrun", "secret", "000000000000", ROLE, "session")
TRUST = {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": "sts:AssumeRole"}


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def identity(metadata, clock):
    return Identity(metadata, clock, "000000000000")


@pytest.fixture
async def role(identity):
    trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    attributes = {"description": "", "session_s_max": 3600, "boundary": None, "tags": {}, "pins": {}}
    await identity.roles.create("000000000000", "worker", trust=trust, **attributes)


def keys_at(identity, endpoint="http://127.0.0.1:4566", **options):
    known = {HOLDER.id: HOLDER}
    return RoleKeys("/_lakemill/keys", SERVICE, known.get, identity, endpoint, **options)


async def ask(keys, token):
    request = HttpRequest("GET", b"/_lakemill/keys", b"", [("authorization", token)], "http", "", None)
    status, _, body = await keys.answer(request)
    return status, json.loads(body)


async def test_a_program_on_this_machine_fetches_keys_as_often_as_it_likes(identity, role):
    keys = keys_at(identity)
    assert keys.good_s is None
    variables = await keys.variables(HOLDER)
    assert variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] == "http://127.0.0.1:4566/_lakemill/keys"
    status, body = await ask(keys, variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
    assert (status, body["RoleArn"]) == (200, ROLE)
    credential = identity.credential(body["AccessKeyId"], body["Token"])
    assert credential.principal.role_arn == ROLE


async def test_elsewhere_it_gets_keys_for_twelve_hours(identity, role):
    keys = keys_at(identity, "https://lake.example:4566")
    assert keys.good_s == 11 * 3600
    assert set(await keys.variables(HOLDER)) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}


@pytest.mark.parametrize("token", ["", "x", "é", "aGVyZQ==", "aGVyZQpydW4Kd3Jvbmc="])
async def test_a_wrong_token_gets_nothing(identity, role, token):
    assert (await ask(keys_at(identity), token))[0] == 403


async def test_a_role_that_is_gone_gets_nothing(identity):
    keys = keys_at(identity)
    with pytest.raises(RoleRefused):
        await keys.variables(HOLDER)
    root = await keys_at(identity, enforce=False).variables(HOLDER)
    assert root["AWS_ACCESS_KEY_ID"] == identity.root_key().access_key_id


async def test_another_holder_with_the_same_name_has_another_token(identity, role):
    keys = keys_at(identity)
    other = dataclasses.replace(HOLDER, secret="other")
    token = (await keys.variables(other))["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    assert (await ask(keys, token))[0] == 403
