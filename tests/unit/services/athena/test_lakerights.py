"""What statements may do is what their callers may."""

import json

import pytest

from lakemill.engines.catalog import Policies
from lakemill.engines.identity import Identity
from lakemill.engines.objects import Objects
from lakemill.engines.queries import Refused
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.clock import ManualClock
from lakemill.services.lakerights import LakeRights

HOME, REGION = "111111111111", "us-east-1"
GLUE = f"arn:aws:glue:{REGION}:{HOME}:"


@pytest.fixture
def clock():
    return ManualClock(1_738_324_800)


@pytest.fixture
async def objects(tmp_path, metadata, clock):
    store = Objects(metadata, EmbeddedBlobs(tmp_path / "blobs"), clock)
    await store.buckets.create("lake", HOME, REGION)
    yield store
    store.close()


@pytest.fixture
def policies(metadata, clock):
    return Policies(metadata, clock)


@pytest.fixture
def rights(metadata, clock, objects, policies):
    """Rights of a user with one statement allowed."""
    identity = Identity(metadata, clock, HOME)

    async def rights(actions, resources, condition=None, enforce=True):
        await identity.users.create(HOME, "ann", "/", groups=[], keys=[], boundary=None, tags={})
        statement = {"Effect": "Allow", "Action": actions, "Resource": resources, "Condition": condition or {}}
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        await identity.users.put_inline(HOME, "ann", "it", text)
        key = await identity.keys.create(HOME, "ann")
        principal = identity.credential(key.access_key_id).principal
        return LakeRights(identity, policies, objects, principal, HOME, REGION, "athena.amazonaws.com", enforce=enforce)

    return rights


async def test_a_table_takes_permission_on_its_database_and_the_catalog(rights):
    ann = await rights("glue:GetTable", [f"{GLUE}catalog", f"{GLUE}database/d", f"{GLUE}table/d/t"])
    ann.catalog("table", "D", "T")
    assert ["glue:GetTable", f"{GLUE}table/d/t"] in ann.checked
    with pytest.raises(Refused, match="glue:GetTable on resource: ") as refused:
        ann.catalog("table", "d", "other")
    assert refused.value.code == "AccessDeniedException"
    with pytest.raises(Refused, match="glue:DeleteTable"):
        ann.catalog("drop_table", "d", "t")


async def test_the_policy_of_the_catalog_counts(rights, policies):
    ann = await rights("glue:*", "*")
    denied = {"Effect": "Deny", "Principal": "*", "Action": "glue:GetTable", "Resource": f"{GLUE}table/d/t"}
    await policies.put(f"{HOME}/{REGION}", json.dumps({"Version": "2012-10-17", "Statement": [denied]}))
    ann.catalog("table", "d", "u")
    with pytest.raises(Refused, match="explicit deny"):
        ann.catalog("table", "d", "t")


async def test_listing_is_held_against_the_prefix(rights):
    ann = await rights("s3:ListBucket", "arn:aws:s3:::lake", {"StringLike": {"s3:prefix": "mine/*"}})
    ann.object("list", "lake", "mine/a")
    assert ann.checked == [["s3:ListBucket", "arn:aws:s3:::lake mine/a"]]
    with pytest.raises(Refused) as refused:
        ann.object("list", "lake", "yours/")
    assert refused.value.code == "AccessDenied"


@pytest.mark.parametrize(
    ("deed", "action"), [("read", "GetObject"), ("write", "PutObject"), ("remove", "DeleteObject")]
)
async def test_objects_take_their_permissions(rights, deed, action):
    ann = await rights(f"s3:{action}", "arn:aws:s3:::lake/mine/*")
    ann.object(deed, "lake", "mine/a")
    with pytest.raises(Refused, match=f"s3:{action}"):
        ann.object(deed, "lake", "yours")


async def test_what_was_asked_before_can_be_asked_for_somebody_else(rights):
    ann = await rights("s3:ListBucket", "arn:aws:s3:::lake", {"StringLike": {"s3:prefix": "mine/*"}})
    ann.again("s3:ListBucket", "arn:aws:s3:::lake mine/")
    with pytest.raises(Refused):
        ann.again("s3:ListBucket", "arn:aws:s3:::lake yours/")


async def test_nothing_is_decided_where_nothing_is_enforced(rights):
    ann = await rights("s3:GetObject", "arn:aws:s3:::other/*", enforce=False)
    ann.object("remove", "lake", "anything")
