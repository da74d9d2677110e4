"""In whose name a warehouse works in the lake."""

import json

import pytest

from lakemill.engines.catalog import Catalog
from lakemill.engines.identity import Identity
from lakemill.engines.objects import Objects
from lakemill.engines.queries import Refused
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.clock import ManualClock
from lakemill.services.warehouserights import WarehouseRights

ACCOUNT = "000000000000"
ATTRIBUTES = {"description": "", "session_s_max": 3600, "boundary": None, "tags": {}, "pins": {}}


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def rights(tmp_path, metadata, clock):
    objects = Objects(metadata, EmbeddedBlobs(tmp_path / "blobs"), clock)
    await objects.buckets.create("lake", ACCOUNT, "us-east-1")
    identity = Identity(metadata, clock, ACCOUNT)
    for name, service in (("loads", "redshift"), ("serverless", "redshift-serverless"), ("other", "athena")):
        trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        await identity.roles.create(ACCOUNT, name, trust=document, **ATTRIBUTES)
    yield WarehouseRights(identity, Catalog(metadata, clock), objects), identity
    objects.close()


def arn(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def warehouse(*roles, default="", family="cluster"):
    return {"scope": f"{ACCOUNT}/us-east-1", "name": f"{family}/w", "roles": list(roles), "default_role": default}


@pytest.mark.parametrize(
    ("given", "role", "message"),
    [
        (warehouse(), arn("loads"), "it is not attached"),
        (warehouse(arn("other")), arn("other"), "not authorized to assume IAM Role"),
        (warehouse(arn("gone")), arn("gone"), "not authorized to assume IAM Role"),
        (warehouse(arn("serverless")), arn("serverless"), "not authorized to assume IAM Role"),
        (warehouse(arn("loads")), "default", "No default IAM role"),
        (warehouse(arn("loads")), f"{arn('loads')},{arn('other')}", "Chains of roles"),
    ],
)
async def test_roles_that_are_refused(rights, given, role, message):
    with pytest.raises(Refused, match=message):
        rights[0](given, {"role": role})


@pytest.mark.parametrize(
    ("given", "role", "name"),
    [
        (warehouse(arn("loads")), arn("loads"), "loads"),
        (warehouse(arn("loads"), default=arn("loads")), "DEFAULT", "loads"),
        (warehouse(arn("serverless"), family="namespace"), arn("serverless"), "serverless"),
        (warehouse(arn("loads"), family="namespace"), arn("loads"), "loads"),
    ],
)
async def test_roles_that_are_taken(rights, given, role, name):
    found, by = rights[0](given, {"role": role})
    assert f":assumed-role/{name}/" in by
    with pytest.raises(Refused, match="s3:GetObject"):  # The role has no permission of its own.
        found.object("read", "lake", "key")


async def test_keys_count_for_whoever_they_belong_to(rights):
    decide, identity = rights
    key = identity.root_key(ACCOUNT)
    shown = {"access_key_id": key.access_key_id, "secret_access_key": key.secret}
    found, by = decide(warehouse(), shown)
    assert by == f"arn:aws:iam::{ACCOUNT}:root"
    found.object("write", "lake", "key")
    with pytest.raises(Refused, match="secret access key is wrong"):
        decide(warehouse(), shown | {"secret_access_key": key.secret[:-1]})
    with pytest.raises(Refused, match="no access key"):
        decide(warehouse(), shown | {"access_key_id": "AKIANOBODY"})


async def test_nobody_may_ask_nothing(rights):
    found, _ = rights[0](warehouse(), None)
    asked = (
        lambda: found.catalog("tables", "db"),
        lambda: found.object("read", "lake", "k"),
        lambda: found.again("s3:GetObject", "arn"),
    )
    for ask in asked:
        with pytest.raises(Refused):
            ask()
    with pytest.raises(Refused, match="no authorization"):
        rights[0](warehouse(), {})
