import json

import pytest

from lakemill.engines.identity import Identity
from lakemill.ports.clock import ManualClock

ACCOUNT = "111111111111"


@pytest.fixture
def clock():
    return ManualClock(1_738_324_800)


@pytest.fixture
def identity(metadata, clock):
    return Identity(metadata, clock, ACCOUNT)


@pytest.fixture
def people(identity):
    return People(identity)


class People:
    """Users and roles, made in a line."""

    def __init__(self, identity):
        self.identity = identity

    async def user(self, name, **attributes):
        """The user's credential."""
        await self.identity.users.create(
            ACCOUNT, name, **({"boundary": None, "groups": [], "keys": [], "tags": {}} | attributes)
        )
        key = await self.identity.keys.create(ACCOUNT, name)
        return self.identity.credential(key.access_key_id), key

    async def role(self, name, trust, **attributes):
        defaults = {"description": "", "session_s_max": 3600, "boundary": None, "tags": {}, "pins": {}}
        await self.identity.roles.create(ACCOUNT, name, trust=trusting(trust), **(defaults | attributes))
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def may(self, principal, action="s3:GetObject", resource="arn:aws:s3:::lake/a", **context):
        return self.identity.decide(principal, action, resource, context).allowed


def trusting(principal, condition=None):
    statement = {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def allowing(action="*", resource="*", **more):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})
