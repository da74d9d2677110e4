"""IAM through boto3: people, roles and policies come, act, and go."""

import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

READ_LAKE = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::*"},
            {"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"},
        ],
    }
)
TRUST_SAGEMAKER = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)


def unique(word):
    return f"{word}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def iam(lakemill):
    return lakemill.client("iam")


@pytest.fixture
def user(iam):
    """A user with a key: (name, key)."""
    name = unique("user")
    iam.create_user(UserName=name)
    return name, iam.create_access_key(UserName=name)["AccessKey"]


def as_user(lakemill, key, service="iam"):
    return lakemill.client(service, access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def code_of(caught):
    return caught.value.response["Error"]["Code"]


def status_of(caught):
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_user_may_nothing_until_a_policy_allows_it(lakemill, iam, user):
    name, key = user
    mine = as_user(lakemill, key)
    with pytest.raises(ClientError) as caught:
        mine.get_user()
    assert (code_of(caught), status_of(caught)) == ("AccessDenied", 403)
    arn = f"arn:aws:iam::000000000000:user/{name}"
    assert caught.value.response["Error"]["Message"] == (
        f"User: {arn} is not authorized to perform: iam:GetUser on resource: {arn} "
        "because no identity-based policy allows the iam:GetUser action"
    )
    iam.put_user_policy(UserName=name, PolicyName="me", PolicyDocument=READ_LAKE)
    assert mine.get_user()["User"]["Arn"] == arn
    deny = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}}
    iam.put_user_policy(UserName=name, PolicyName="not", PolicyDocument=json.dumps(deny))
    with pytest.raises(ClientError, match="with an explicit deny in an identity-based policy"):
        mine.get_user()


def test_a_key_that_is_switched_off_stops_at_once_and_works_again(lakemill, iam, user):
    name, key = user
    sts = as_user(lakemill, key, "sts")
    assert sts.get_caller_identity()["Arn"].endswith(f":user/{name}")
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError) as caught:
        sts.get_caller_identity()
    assert (code_of(caught), status_of(caught)) == ("InvalidClientTokenId", 403)
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Active")
    assert sts.get_caller_identity()["Account"] == "000000000000"
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    with pytest.raises(ClientError):
        sts.get_caller_identity()


def test_a_wrong_secret_is_no_key(lakemill, user):
    _, key = user
    with pytest.raises(ClientError) as caught:
        as_user(lakemill, key | {"SecretAccessKey": "wrong"}, "sts").get_caller_identity()
    assert (code_of(caught), status_of(caught)) == ("SignatureDoesNotMatch", 403)


def test_groups_lend_their_policies_to_their_members(lakemill, iam, user):
    name, key = user
    group = unique("group")
    iam.create_group(GroupName=group)
    iam.attach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    iam.add_user_to_group(GroupName=group, UserName=name)
    mine = as_user(lakemill, key)
    assert group in [one["GroupName"] for one in mine.list_groups_for_user(UserName=name)["Groups"]]
    assert [one["UserName"] for one in iam.get_group(GroupName=group)["Users"]] == [name]
    with pytest.raises(ClientError) as caught:
        iam.delete_group(GroupName=group)
    assert (code_of(caught), status_of(caught)) == ("DeleteConflict", 409)
    iam.remove_user_from_group(GroupName=group, UserName=name)
    with pytest.raises(ClientError):
        mine.list_groups_for_user(UserName=name)
    iam.detach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    iam.delete_group(GroupName=group)


def test_a_user_goes_only_when_nothing_hangs_on_it(iam, user):
    name, key = user
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=READ_LAKE)
    for remedy in (
        lambda: iam.detach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"),
        lambda: iam.delete_user_policy(UserName=name, PolicyName="p"),
        lambda: iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"]),
    ):
        with pytest.raises(iam.exceptions.DeleteConflictException):
            iam.delete_user(UserName=name)
        remedy()
    iam.delete_user(UserName=name)
    with pytest.raises(iam.exceptions.NoSuchEntityException) as caught:
        iam.get_user(UserName=name)
    assert caught.value.response["Error"]["Message"] == f"The user with name {name} cannot be found."


def test_names_are_unique_whatever_their_case(iam):
    name = unique("Role")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_SAGEMAKER)
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException) as caught:
        iam.create_role(RoleName=name.lower(), AssumeRolePolicyDocument=TRUST_SAGEMAKER)
    assert status_of(caught) == 409
    assert iam.get_role(RoleName=name.upper())["Role"]["RoleName"] == name


def test_a_role_shows_what_it_was_made_of(iam):
    name = unique("role")
    iam.create_role(
        RoleName=name,
        Path="/service-role/",
        AssumeRolePolicyDocument=TRUST_SAGEMAKER,
        Description="Trains.",
        MaxSessionDuration=7200,
        Tags=[{"Key": "team", "Value": "lake"}],
        PermissionsBoundary="arn:aws:iam::aws:policy/PowerUserAccess",
    )
    role = iam.get_role(RoleName=name)["Role"]
    assert role["Arn"] == f"arn:aws:iam::000000000000:role/service-role/{name}"
    assert role["RoleId"].startswith("AROA")
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST_SAGEMAKER)
    assert role["MaxSessionDuration"] == 7200
    assert role["Tags"] == [{"Key": "team", "Value": "lake"}]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("/PowerUserAccess")
    iam.update_role(RoleName=name, Description="Tunes.")
    assert iam.get_role(RoleName=name)["Role"]["Description"] == "Tunes."
    iam.untag_role(RoleName=name, TagKeys=["team"])
    assert iam.list_role_tags(RoleName=name)["Tags"] == []


def test_role_lists_come_in_pages(iam):
    path = f"/{unique('path')}/"
    names = sorted(unique("page") for _ in range(5))
    for name in names:
        iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=TRUST_SAGEMAKER)
    pages = list(iam.get_paginator("list_roles").paginate(PathPrefix=path, PaginationConfig={"PageSize": 2}))
    assert [len(page["Roles"]) for page in pages] == [2, 2, 1]
    assert [role["RoleName"] for page in pages for role in page["Roles"]] == names


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "invalid Json"),
        ('{"Version": "2012-10-17"}', "Syntax errors in policy"),
        ('{"Version": "2020-01-01", "Statement": []}', "valid version string"),
        ('{"Statement": {"Effect": "Allow", "Action": "s3", "Resource": "*"}}', "prefaced by a vendor"),
        ('{"Statement": {"Effect": "allow", "Action": "s3:*", "Resource": "*"}}', "Syntax errors"),
        ('{"Statement": {"Effect": "Allow", "Action": "s3:*"}}', "must contain resources"),
        ('{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "bucket"}}', "must be in ARN format"),
        (
            '{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*"}}',
            "should not specify a principal",
        ),
    ],
)
def test_a_malformed_policy_is_refused_saying_why(iam, document, said):
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException, match=said) as caught:
        iam.create_policy(PolicyName=unique("p"), PolicyDocument=document)
    assert status_of(caught) == 400


def test_a_role_cannot_trust_somebody_who_is_not_there(iam):
    trust = json.loads(TRUST_SAGEMAKER)
    trust["Statement"]["Principal"] = {"AWS": "arn:aws:iam::000000000000:user/nobody-at-all"}
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException, match="Invalid principal in policy"):
        iam.create_role(RoleName=unique("r"), AssumeRolePolicyDocument=json.dumps(trust))


def test_a_role_shows_the_id_of_somebody_it_trusted_who_is_gone(iam):
    name, role = unique("user"), unique("role")
    user_id = iam.create_user(UserName=name)["User"]["UserId"]
    trust = json.loads(TRUST_SAGEMAKER)
    trust["Statement"]["Principal"] = {"AWS": f"arn:aws:iam::000000000000:user/{name}"}
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
    iam.delete_user(UserName=name)
    iam.create_user(UserName=name)
    shown = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"]["Principal"] == {"AWS": [user_id]}


def test_managed_policies_have_versions_of_which_one_counts(lakemill, iam, user):
    name, key = user
    arn = iam.create_policy(PolicyName=unique("p"), PolicyDocument=READ_LAKE)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    mine = as_user(lakemill, key)
    assert mine.get_user()["User"]["UserName"] == name
    nothing = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}})
    version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=nothing)["PolicyVersion"]
    assert (version["VersionId"], version["IsDefaultVersion"]) == ("v2", False)
    assert mine.get_user()["User"]["UserName"] == name
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    with pytest.raises(ClientError):
        mine.get_user()
    read = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert read["Document"] == json.loads(nothing)
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    for number in range(3, 6):
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ_LAKE, SetAsDefault=True)
        assert made["PolicyVersion"]["VersionId"] == f"v{number}"
    with pytest.raises(iam.exceptions.LimitExceededException):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ_LAKE)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=READ_LAKE)["PolicyVersion"]["VersionId"] == "v6"
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert [one["UserName"] for one in entities["PolicyUsers"]] == [name]
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_policy(PolicyArn=arn)


def test_a_boundary_narrows_what_the_policies_allow(lakemill, iam, user):
    name, key = user
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    mine = as_user(lakemill, key)
    assert mine.get_user()["User"]["UserName"] == name
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    with pytest.raises(ClientError, match="because no permissions boundary allows the iam:GetUser action"):
        mine.get_user()
    iam.delete_user_permissions_boundary(UserName=name)
    assert mine.get_user()["User"]["UserName"] == name


def test_quotas_hold(iam, user):
    name, _ = user
    iam.create_access_key(UserName=name)
    with pytest.raises(iam.exceptions.LimitExceededException) as caught:
        iam.create_access_key(UserName=name)
    assert status_of(caught) == 409
    big = json.loads(READ_LAKE)
    big["Statement"][0]["Resource"] = [f"arn:aws:s3:::bucket-{number:04d}" for number in range(100)]
    with pytest.raises(iam.exceptions.LimitExceededException, match="Maximum policy size of 2048 bytes exceeded"):
        iam.put_user_policy(UserName=name, PolicyName="big", PolicyDocument=json.dumps(big))


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess",
        "arn:aws:iam::aws:policy/AmazonS3FullAccess",
        "arn:aws:iam::aws:policy/AmazonKinesisFullAccess",
        "arn:aws:iam::aws:policy/CloudWatchLogsFullAccess",
        "arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole",
    ],
)
def test_the_policies_that_scripts_attach_are_there(iam, arn):
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"
    role = unique("role")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST_SAGEMAKER)
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert attached == [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn}]
    with pytest.raises(iam.exceptions.NoSuchEntityException, match="does not exist or is not attachable"):
        iam.attach_role_policy(RoleName=role, PolicyArn=arn + "X")


def test_instance_profiles_hold_one_role(iam):
    profile, role = unique("profile"), unique("role")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST_SAGEMAKER)
    iam.create_instance_profile(InstanceProfileName=profile)
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    with pytest.raises(iam.exceptions.LimitExceededException):
        iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    held = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]
    assert [one["RoleName"] for one in held["Roles"]] == [role]
    assert len(iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"]) == 1
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_role(RoleName=role)
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_instance_profile(InstanceProfileName=profile)
    iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role)
    iam.delete_instance_profile(InstanceProfileName=profile)
    iam.delete_role(RoleName=role)


def test_service_linked_roles_belong_to_their_service(iam):
    suffix = uuid.uuid4().hex[:8]
    role = iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com", CustomSuffix=suffix)["Role"]
    assert role["RoleName"] == f"AWSServiceRoleForAutoScaling_{suffix}"
    assert role["Path"] == "/aws-service-role/autoscaling.amazonaws.com/"
    with pytest.raises(iam.exceptions.UnmodifiableEntityException):
        iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    task = iam.delete_service_linked_role(RoleName=role["RoleName"])["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=role["RoleName"])


def test_a_policy_can_be_tried_before_it_is_attached(iam, user):
    name, _ = user
    iam.put_user_policy(UserName=name, PolicyName="lake", PolicyDocument=READ_LAKE)
    arn = f"arn:aws:iam::000000000000:user/{name}"
    results = iam.simulate_principal_policy(
        PolicySourceArn=arn, ActionNames=["s3:ListBucket", "s3:GetObject"], ResourceArns=["arn:aws:s3:::lake"]
    )["EvaluationResults"]
    assert [one["EvalDecision"] for one in results] == ["allowed", "implicitDeny"]
    assert [one["SourcePolicyId"] for one in results[0]["MatchedStatements"]] == [f"user_{name}_lake"]
    condition = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    statement = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": condition}
    deny = json.dumps({"Version": "2012-10-17", "Statement": statement})
    custom = {"PolicyInputList": [READ_LAKE, deny], "ActionNames": ["s3:ListBucket"]}
    without = iam.simulate_custom_policy(**custom, ResourceArns=["arn:aws:s3:::lake"])["EvaluationResults"][0]
    assert (without["EvalDecision"], without["MissingContextValues"]) == ("allowed", ["aws:SourceIp"])
    entry = {"ContextKeyName": "aws:SourceIp", "ContextKeyValues": ["203.0.113.9"], "ContextKeyType": "ip"}
    denied = iam.simulate_custom_policy(**custom, ContextEntries=[entry])["EvaluationResults"][0]
    assert denied["EvalDecision"] == "explicitDeny"
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[deny])["ContextKeyNames"] == ["aws:SourceIp"]


def test_the_account_tells_about_itself(iam, user):
    name, _ = user
    alias = unique("lake")
    iam.create_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == [alias]
    iam.delete_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == []
    summary = iam.get_account_summary()["SummaryMap"]
    assert summary["Users"] == len([u for page in iam.get_paginator("list_users").paginate() for u in page["Users"]])
    pages = iam.get_paginator("get_account_authorization_details").paginate(Filter=["User"])
    details = {user["UserName"]: user for page in pages for user in page["UserDetailList"]}
    assert details[name]["GroupList"] == []


def test_the_last_use_of_a_key_is_known(lakemill, iam, user):
    name, key = user
    assert iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]["ServiceName"] == "N/A"
    as_user(lakemill, key, "sts").get_caller_identity()
    time.sleep(0.05)
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert used["UserName"] == name
    assert (used["AccessKeyLastUsed"]["ServiceName"], used["AccessKeyLastUsed"]["Region"]) == ("sts", "us-east-1")


def test_users_keys_and_policies_survive_a_kill(fresh):
    running = fresh()
    iam = running.client("iam")
    iam.create_user(UserName="ana")
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    iam.put_user_policy(UserName="ana", PolicyName="me", PolicyDocument=READ_LAKE)
    running.kill()
    running.start()
    assert as_user(running, key).get_user()["User"]["UserName"] == "ana"
