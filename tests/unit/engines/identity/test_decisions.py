"""What users, roles and sessions may do, with policies where they really hang."""

import hashlib
import json

import pytest
from tests.unit.engines.identity.conftest import ACCOUNT, allowing, trusting

from lakemill.engines.identity import Principal, RoleRefused
from lakemill.engines.identity.assuming import Wish, assume_role, federation_token, session_token
from lakemill.engines.identity.awsmanaged import AWS_POLICIES
from lakemill.engines.identity.errors import EntityInUse, InputInvalid, PolicyTooLarge, ValueInvalid
from lakemill.engines.identity.policy import compile_policy
from lakemill.engines.identity.trust import pinned


def noise(seed):
    """A text that does not compress well."""
    return hashlib.sha256(str(seed).encode()).hexdigest()


USER = f"arn:aws:iam::{ACCOUNT}:user/ana"


async def test_policies_of_groups_count_until_the_user_leaves(identity, people):
    credential, _ = await people.user("ana")
    await identity.groups.create(ACCOUNT, "Readers")
    await identity.groups.put_inline(ACCOUNT, "readers", "p", allowing())
    assert not people.may(credential.principal)
    await identity.groups.add(ACCOUNT, "READERS", "Ana")
    assert people.may(credential.principal)
    await identity.groups.rename(ACCOUNT, "Readers", "Lookers", None)
    assert people.may(credential.principal)
    with pytest.raises(EntityInUse):
        await identity.groups.delete(ACCOUNT, "Lookers")
    await identity.groups.remove(ACCOUNT, "lookers", "ana")
    assert not people.may(credential.principal)


async def test_the_default_version_of_a_managed_policy_counts(identity, people):
    credential, _ = await people.user("ana")
    arn = f"arn:aws:iam::{ACCOUNT}:policy/p"
    await identity.policies.create(ACCOUNT, "p", allowing("sqs:*"))
    await identity.users.attach(ACCOUNT, "ana", arn)
    assert not people.may(credential.principal)
    await identity.policies.add_version(arn, allowing("s3:*"), default=False)
    assert not people.may(credential.principal)
    await identity.policies.set_default(arn, "v2")
    assert people.may(credential.principal)


PUT = ("kinesis:PutRecord", f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s")


async def test_what_no_condition_can_change_is_allowed_without_a_second_look_until_policies_change(identity, people):
    credential, _ = await people.user("ana")
    await identity.users.put_inline(ACCOUNT, "ana", "p", allowing("kinesis:*"))
    assert not identity.allows_anyhow(credential.principal, *PUT)
    assert identity.decide(credential.principal, *PUT, {}).allowed
    assert identity.allows_anyhow(credential.principal, *PUT)
    denying = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": PUT[1]}}
    await identity.users.put_inline(ACCOUNT, "ana", "never", json.dumps(denying))
    assert not identity.allows_anyhow(credential.principal, *PUT)
    assert not identity.decide(credential.principal, *PUT, {}).allowed
    assert not identity.allows_anyhow(credential.principal, *PUT)


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Allow", "Action": "kinesis:*", "Resource": "arn:aws:kinesis:*:*:stream/${aws:PrincipalTag/s, 's'}"},
        {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ],
)
async def test_what_hangs_on_the_request_is_looked_at_each_time(identity, people, statement):
    credential, _ = await people.user("ana")
    await identity.users.put_inline(ACCOUNT, "ana", "p", json.dumps({"Version": "2012-10-17", "Statement": statement}))
    assert identity.decide(credential.principal, *PUT, {"aws:SecureTransport": False}).allowed
    assert not identity.allows_anyhow(credential.principal, *PUT)


async def test_what_another_policy_allowed_says_nothing_about_the_identity(identity, people):
    credential, _ = await people.user("ana")
    policy = allowing(Principal={"AWS": USER})
    assert identity.decide(credential.principal, *PUT, {}, policy).allowed
    assert not identity.allows_anyhow(credential.principal, *PUT)


async def test_a_boundary_that_is_gone_allows_nothing(identity, people):
    credential, _ = await people.user("ana", boundary=f"arn:aws:iam::{ACCOUNT}:policy/none")
    await identity.users.put_inline(ACCOUNT, "ana", "p", allowing())
    assert not people.may(credential.principal)


async def test_a_role_made_anew_is_another(identity, people):
    arn = await people.role("etl", {"AWS": USER})
    await identity.roles.put_inline(ACCOUNT, "etl", "p", allowing())
    credential, _ = await people.user("ana")
    granted = await assume_role(identity, credential.principal, arn, Wish("s1"), {})
    session = granted.credentials.principal
    assert people.may(session)
    await identity.roles.delete_inline(ACCOUNT, "etl", "p")
    await identity.roles.delete(ACCOUNT, "etl")
    await people.role("etl", {"AWS": USER})
    await identity.roles.put_inline(ACCOUNT, "etl", "p", allowing())
    assert not people.may(session)


async def test_a_trust_pinned_to_a_user_is_not_its_namesakes(identity, people):
    identity.root_key()
    credential, key = await people.user("ana")
    arn = await people.role("etl", {"AWS": USER}, pins=pinned(identity.store, trusting({"AWS": USER})))
    assert (await assume_role(identity, credential.principal, arn, Wish("s1"), {})).credentials
    await identity.keys.delete(ACCOUNT, "ana", key.access_key_id)
    await identity.users.delete(ACCOUNT, "ana")
    namesake, _ = await people.user("ana")
    with pytest.raises(RoleRefused):
        await assume_role(identity, namesake.principal, arn, Wish("s1"), {})


async def test_the_refusal_names_the_kind_of_policy(identity, people):
    credential, _ = await people.user("ana")
    arn = await people.role("etl", {"Service": "sagemaker.amazonaws.com"})
    with pytest.raises(RoleRefused) as caught:
        await assume_role(identity, credential.principal, arn, Wish("s1"), {})
    assert str(caught.value) == (
        f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: {arn} "
        "because no role trust policy allows the sts:AssumeRole action"
    )


async def test_root_takes_roles_that_trust_its_account(identity, people):
    arn = await people.role("etl", {"AWS": ACCOUNT})
    root = identity.root(ACCOUNT)
    assert (await assume_role(identity, root, arn, Wish("s1"), {})).credentials.principal.role_arn == arn
    other = await people.role("other", {"AWS": "222222222222"})
    with pytest.raises(RoleRefused):
        await assume_role(identity, root, other, Wish("s1"), {})


async def test_a_role_of_another_account_needs_both_sides(identity, people):
    arn = await people.role("etl", {"AWS": "222222222222"})
    stranger = Principal("user", "222222222222", "arn:aws:iam::222222222222:user/eve", "AIDAEVE", "eve")
    with pytest.raises(RoleRefused, match="no identity-based policy"):
        await assume_role(identity, stranger, arn, Wish("s1"), {})
    stranger_root = identity.root("222222222222")
    assert (await assume_role(identity, stranger_root, arn, Wish("s1"), {})).credentials.principal.account == ACCOUNT


async def test_transitive_tags_go_on_to_the_next_role(identity, people):
    credential, _ = await people.user("ana")
    first = await people.role("first", {"AWS": USER})
    second = await people.role("second", {"AWS": first})
    wish = Wish("s1", tags={"team": "lake", "cost": "1"}, transitive=("team",))
    one = (await assume_role(identity, credential.principal, first, wish, {})).credentials.principal
    two = (await assume_role(identity, one, second, Wish("s2"), {})).credentials.principal
    assert (dict(one.session_tags), dict(two.session_tags)) == ({"team": "lake", "cost": "1"}, {"team": "lake"})
    assert identity.tags(two) == {"team": "lake"}
    with pytest.raises(InputInvalid):
        await assume_role(identity, one, second, Wish("s2", tags={"Team": "x"}), {})


@pytest.mark.parametrize(
    ("wish", "fault"),
    [
        (Wish("s1", duration_s=3601), ValueInvalid),
        (Wish("s1", tags={"a": "1", "A": "2"}), InputInvalid),
        (Wish("s1", tags={"aws:x": "1"}), ValueInvalid),
        (Wish("s1", policy=allowing() + " " * 2048), ValueInvalid),
        (Wish("s1", tags={noise(n): noise(-n) for n in range(1, 51)}), PolicyTooLarge),
    ],
    ids=["duration", "duplicate tags", "reserved tag", "policy length", "packed size"],
)  # fmt: skip
async def test_wishes_have_their_limits(identity, people, wish, fault):
    credential, _ = await people.user("ana")
    arn = await people.role("etl", {"AWS": USER})
    with pytest.raises(fault):
        await assume_role(identity, credential.principal, arn, wish, {})


async def test_a_token_for_oneself_reaches_neither_iam_nor_sts(identity, people):
    credential, _ = await people.user("ana")
    await identity.users.put_inline(ACCOUNT, "ana", "p", allowing())
    held = await session_token(identity, credential.principal, 900)
    session = identity.credential(held.access_key_id, held.session_token).principal
    assert people.may(session)
    assert people.may(session, "sts:AssumeRole", "*")
    assert not people.may(session, "iam:ListUsers", "*")
    assert not people.may(session, "sts:GetFederationToken", "*")
    with pytest.raises(RoleRefused, match="with session credentials"):
        await session_token(identity, session, 900)


async def test_a_roots_token_lives_an_hour(identity, clock):
    held = await session_token(identity, identity.root(ACCOUNT), 43_200)
    assert held.expires_s == clock.time() + 3600


async def test_a_federated_user_has_the_overlap(identity, people):
    credential, _ = await people.user("ana")
    await identity.users.put_inline(ACCOUNT, "ana", "p", allowing("s3:*"))
    narrowed = await federation_token(identity, credential.principal, Wish("guest", policy=allowing("s3:GetObject")))
    guest = narrowed.credentials.principal
    assert guest.user_id == f"{ACCOUNT}:guest"
    assert people.may(guest)
    assert not people.may(guest, "s3:PutObject")
    bare = (await federation_token(identity, credential.principal, Wish("guest"))).credentials.principal
    assert not people.may(bare)


# Services


async def test_a_service_takes_a_role_that_trusts_it(identity, people):
    arn = await people.role("etl", {"Service": "sagemaker.amazonaws.com"})
    await identity.roles.put_inline(ACCOUNT, "etl", "p", allowing("s3:*"))
    session = identity.service_session(arn, "sagemaker.amazonaws.com", "job")
    assert session.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/etl/job"
    assert people.may(session)
    held = identity.service_credentials(arn, "sagemaker.amazonaws.com", "job")
    assert identity.credential(held.access_key_id, held.session_token).principal.arn == session.arn


@pytest.mark.parametrize("arn", [f"arn:aws:iam::{ACCOUNT}:role/none", "none", f"arn:aws:iam::{ACCOUNT}:user/etl"])
def test_a_role_that_is_not_there_cannot_be_taken(identity, arn):
    with pytest.raises(RoleRefused, match="Could not assume role"):
        identity.service_session(arn, "sagemaker.amazonaws.com", "job")


async def test_a_service_the_role_does_not_trust_cannot_take_it(identity, people):
    arn = await people.role("etl", {"Service": "glue.amazonaws.com"})
    with pytest.raises(RoleRefused):
        identity.service_session(arn, "sagemaker.amazonaws.com", "job")


async def test_a_trust_may_ask_for_whom_the_service_works(identity, people):
    document = json.loads(trusting({"Service": "sagemaker.amazonaws.com"}))
    document["Statement"]["Condition"] = {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:sagemaker:*:{ACCOUNT}:training-job/*"},
    }
    arn = await people.role("etl", {"AWS": ACCOUNT})

    def change(_, role):
        role["trust"] = json.dumps(document)

    await identity.roles.change(ACCOUNT, "etl", change)
    with pytest.raises(RoleRefused):
        identity.service_session(arn, "sagemaker.amazonaws.com", "job")
    job = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/a"
    assert identity.service_session(arn, "sagemaker.amazonaws.com", "job", source_arn=job).name == "etl"


# Condition keys of every request


async def test_the_keys_of_a_user(identity, people):
    credential, _ = await people.user("ana", tags={"team": "lake"})
    keys = identity.request_context(
        credential.principal, region="eu-west-1", source_ip="192.0.2.1", secure=True, user_agent="x/1"
    )
    assert keys["aws:SourceIp"] == "192.0.2.1"
    assert keys["aws:SecureTransport"] is True
    assert keys["aws:RequestedRegion"] == "eu-west-1"
    assert keys["aws:PrincipalArn"] == USER
    assert keys["aws:username"] == "ana"
    assert keys["aws:userid"] == credential.principal.user_id
    assert keys["aws:PrincipalTag/team"] == "lake"
    assert keys["aws:EpochTime"] == 1_738_324_800
    assert "aws:MultiFactorAuthPresent" not in keys


async def test_the_keys_of_a_role_name_the_role_and_no_user(identity, people):
    arn = await people.role("etl", {"Service": "sagemaker.amazonaws.com"}, tags={"team": "lake"})
    session = identity.service_session(arn, "sagemaker.amazonaws.com", "job")
    keys = identity.request_context(session, region="r", source_ip="192.0.2.1", secure=False, vpce="vpce-1")
    assert keys["aws:PrincipalArn"] == arn
    assert "aws:username" not in keys
    assert "aws:SourceIp" not in keys
    assert keys["aws:SourceVpce"] == "vpce-1"
    assert keys["aws:PrincipalTag/team"] == "lake"


# The policies that come along


@pytest.mark.parametrize("arn", AWS_POLICIES)
def test_each_policy_that_comes_along_is_by_the_grammar(arn):
    document = AWS_POLICIES[arn]
    assert compile_policy(document["versions"]["v1"]["text"]).statements
    assert document["description"]


@pytest.mark.parametrize(
    ("name", "action", "resource", "allowed"),
    [
        ("AdministratorAccess", "iam:CreateUser", "*", True),
        ("PowerUserAccess", "sagemaker:CreateTrainingJob", "*", True),
        ("PowerUserAccess", "iam:CreateUser", "*", False),
        ("ReadOnlyAccess", "s3:GetObject", "arn:aws:s3:::b/k", True),
        ("ReadOnlyAccess", "s3:PutObject", "arn:aws:s3:::b/k", False),
        ("AmazonS3FullAccess", "s3:DeleteBucket", "arn:aws:s3:::b", True),
        ("AmazonS3ReadOnlyAccess", "s3:DeleteBucket", "arn:aws:s3:::b", False),
        ("AmazonSageMakerFullAccess", "sagemaker:CreateEndpoint", "*", True),
        ("AmazonSageMakerFullAccess", "s3:GetObject", "arn:aws:s3:::sagemaker-us-east-1-1/k", True),
        ("AmazonSageMakerFullAccess", "s3:GetObject", "arn:aws:s3:::private/k", False),
        ("AmazonKinesisFullAccess", "kinesis:PutRecord", "arn:aws:kinesis:r:1:stream/s", True),
        ("CloudWatchLogsFullAccess", "logs:DeleteLogGroup", "*", True),
        ("service-role/AWSGlueServiceRole", "glue:CreateTable", "*", True),
        ("service-role/AWSGlueServiceRole", "s3:GetObject", "arn:aws:s3:::private/k", False),
    ],
)
async def test_policies_that_come_along_have_their_effect(identity, people, name, action, resource, allowed):
    credential, _ = await people.user("ana")
    await identity.users.attach(ACCOUNT, "ana", f"arn:aws:iam::aws:policy/{name}")
    assert people.may(credential.principal, action, resource) is allowed
