"""IAM's handlers and permissions, without a server."""

import json

import botocore.session
import pytest

from lakemill.engines.identity import Identity
from lakemill.engines.identity.errors import EntityMissing
from lakemill.engines.identity.people import Users
from lakemill.ports.clock import ManualClock
from lakemill.ports.metadata import EmbeddedMetadata
from lakemill.services.base import Call, ServiceError
from lakemill.services.iam import Iam

HOME, OTHER = "111111111111", "222222222222"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
    }
)
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})


@pytest.fixture
def identity(tmp_path):
    metadata = EmbeddedMetadata(tmp_path / "metadata.sqlite")
    yield Identity(metadata, ManualClock(), HOME)
    metadata.close()


@pytest.fixture
def iam(identity):
    return Iam(identity, ManualClock())


@pytest.fixture
def ask(identity, iam):
    """Call an operation as an account's root."""

    async def call(operation, account=HOME, **request):
        answer = iam.operations()[operation](called(identity, operation, account), request)
        return await answer if hasattr(answer, "__await__") else answer

    return call


def called(identity, operation, account=HOME, principal=None):
    principal = principal or identity.root(account)
    return Call("iam", operation, "us-east-1", account, principal, "request", None)


def test_every_error_is_one_that_the_model_knows(iam):
    model = botocore.session.get_session().get_service_model("iam")
    known = {shape.metadata.get("error", {}).get("code", shape.name) for shape in model.error_shapes}
    assert set(iam.errors.values()) - known <= {"ValidationError"}


async def test_accounts_do_not_see_each_other(ask):
    await ask("CreateUser", UserName="ana")
    arn = (await ask("CreatePolicy", PolicyName="p", PolicyDocument=ALLOW))["Policy"]["Arn"]
    assert (await ask("ListUsers", OTHER))["Users"] == []
    with pytest.raises(EntityMissing):
        await ask("GetUser", OTHER, UserName="ana")
    for operation in ("GetPolicy", "DeletePolicy", "ListPolicyVersions", "ListEntitiesForPolicy"):
        with pytest.raises(ServiceError, match="does not exist or is not attachable"):
            await ask(operation, OTHER, PolicyArn=arn)
    await ask("CreateUser", OTHER, UserName="bob")
    with pytest.raises(EntityMissing):
        await ask("AttachUserPolicy", OTHER, UserName="bob", PolicyArn=arn)


@pytest.mark.parametrize("holder", ["User", "Group", "Role"])
async def test_inline_and_attached_policies_are_listed_in_pages(ask, holder):
    more = {"AssumeRolePolicyDocument": TRUST} if holder == "Role" else {}
    named = {f"{holder}Name": "x"}
    await ask(f"Create{holder}", **named, **more)
    for name in ("c", "a", "b"):
        await ask(f"Put{holder}Policy", **named, PolicyName=name, PolicyDocument=ALLOW)
        arn = (await ask("CreatePolicy", PolicyName=name, PolicyDocument=ALLOW))["Policy"]["Arn"]
        await ask(f"Attach{holder}Policy", **named, PolicyArn=arn)
    first = await ask(f"List{holder}Policies", **named, MaxItems=2)
    assert (first["PolicyNames"], first["IsTruncated"]) == (["a", "b"], True)
    last = await ask(f"List{holder}Policies", **named, MaxItems=2, Marker=first["Marker"])
    assert (last["PolicyNames"], last["IsTruncated"]) == (["c"], False)
    attached = await ask(f"ListAttached{holder}Policies", **named)
    assert [policy["PolicyName"] for policy in attached["AttachedPolicies"]] == ["a", "b", "c"]
    read = await ask(f"Get{holder}Policy", **named, PolicyName="a")
    assert read["PolicyDocument"].startswith("%7B%22Version%22%3A%20%222012-10-17%22")


async def test_a_marker_that_was_made_up_is_refused(ask):
    with pytest.raises(ServiceError) as caught:
        await ask("ListUsers", Marker="\xff")
    assert caught.value.code == "ValidationError"


async def test_policies_can_be_listed_by_whose_they_are_and_whether_they_are_used(ask):
    await ask("CreateUser", UserName="ana")
    arn = (await ask("CreatePolicy", PolicyName="mine", PolicyDocument=ALLOW))["Policy"]["Arn"]
    assert [one["Arn"] for one in (await ask("ListPolicies", Scope="Local"))["Policies"]] == [arn]
    assert (await ask("ListPolicies", Scope="Local", OnlyAttached=True))["Policies"] == []
    await ask("PutUserPermissionsBoundary", UserName="ana", PermissionsBoundary=arn)
    used = (await ask("ListPolicies", Scope="Local", PolicyUsageFilter="PermissionsBoundary"))["Policies"]
    assert [(one["AttachmentCount"], one["PermissionsBoundaryUsageCount"]) for one in used] == [(0, 1)]
    aws = (await ask("ListPolicies", Scope="AWS", PathPrefix="/service-role/"))["Policies"]
    assert "AWSGlueServiceRole" in [one["PolicyName"] for one in aws]


async def test_everything_of_an_account_is_told_at_once(ask):
    await ask("CreateUser", UserName="ana", Tags=[{"Key": "team", "Value": "lake"}])
    await ask("CreateGroup", GroupName="readers")
    await ask("AddUserToGroup", GroupName="readers", UserName="ana")
    await ask("CreateRole", RoleName="etl", AssumeRolePolicyDocument=TRUST)
    await ask("AttachRolePolicy", RoleName="etl", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    details = await ask("GetAccountAuthorizationDetails")
    assert [(one["UserName"], one["GroupList"]) for one in details["UserDetailList"]] == [("ana", ["readers"])]
    assert [one["GroupName"] for one in details["GroupDetailList"]] == ["readers"]
    attached = [one["AttachedManagedPolicies"] for one in details["RoleDetailList"]]
    assert [[policy["PolicyName"] for policy in policies] for policies in attached] == [["AdministratorAccess"]]
    assert [one["PolicyName"] for one in details["Policies"]] == ["AdministratorAccess"]


# Permissions

NEEDS = [
    ("CreateUser", {"UserName": "new", "Path": "/p/"}, "user/p/new"),
    ("GetUser", {"UserName": "ANA"}, "user/team/ana"),
    ("GetUser", {}, "root"),
    ("PutUserPolicy", {"UserName": "ana", "PolicyName": "x"}, "user/team/ana"),
    ("AddUserToGroup", {"UserName": "ana", "GroupName": "readers"}, "group/readers"),
    ("CreateRole", {"RoleName": "r"}, "role/r"),
    ("AttachRolePolicy", {"RoleName": "r", "PolicyArn": "arn:aws:iam::aws:policy/X"}, "role/r"),
    ("CreatePolicy", {"PolicyName": "p", "Path": "/x/"}, "policy/x/p"),
    ("GetInstanceProfile", {"InstanceProfileName": "i"}, "instance-profile/i"),
]


@pytest.mark.parametrize(("operation", "request_", "resource"), NEEDS, ids=lambda value: str(value))
async def test_calls_need_their_action_on_what_they_name(identity, iam, operation, request_, resource):
    await make_ana(identity)
    (need,) = iam.needs(called(identity, operation), request_)
    assert (need.action, need.resource) == (f"iam:{operation}", f"arn:aws:iam::{HOME}:{resource}")


async def make_ana(identity):
    assert isinstance(identity.users, Users)
    await identity.users.create(HOME, "ana", "/team/", groups=[], keys=[], boundary=None, tags={"team": "lake"})


@pytest.mark.parametrize("operation", ["ListUsers", "ListRoles", "ListPolicies", "GetAccountSummary"])
def test_lists_need_their_action_on_anything(identity, iam, operation):
    (need,) = iam.needs(called(identity, operation), {"PathPrefix": "/x/"})
    assert need.resource == "*"


def test_a_policys_own_arn_is_what_calls_on_it_need(identity, iam):
    arn = f"arn:aws:iam::{HOME}:policy/p"
    (need,) = iam.needs(called(identity, "CreatePolicyVersion"), {"PolicyArn": arn})
    assert need.resource == arn


async def test_conditions_can_see_tags_policies_and_boundaries(identity, iam):
    await make_ana(identity)
    policy = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    (attach,) = iam.needs(called(identity, "AttachUserPolicy"), {"UserName": "ana", "PolicyArn": policy})
    assert attach.context["iam:PolicyARN"] == policy
    assert attach.context["aws:ResourceTag/team"] == "lake"
    tags = [{"Key": "cost", "Value": "1"}]
    (create,) = iam.needs(
        called(identity, "CreateUser"), {"UserName": "new", "Tags": tags, "PermissionsBoundary": policy}
    )
    assert create.context["aws:TagKeys"] == ["cost"]
    assert create.context["aws:RequestTag/cost"] == "1"
    assert create.context["iam:PermissionsBoundary"] == policy


def test_putting_a_role_into_a_profile_passes_it_to_ec2(identity, iam):
    request = {"InstanceProfileName": "i", "RoleName": "r"}
    _, passing = iam.needs(called(identity, "AddRoleToInstanceProfile"), request)
    assert (passing.action, passing.resource) == ("iam:PassRole", f"arn:aws:iam::{HOME}:role/r")
    assert passing.context == {"iam:PassedToService": "ec2.amazonaws.com"}
