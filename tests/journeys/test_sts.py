"""STS through boto3: who am I, and who may I be."""

import json
import uuid

import pytest
import requests
from botocore.exceptions import ClientError

ACCOUNT = "000000000000"


def unique(word):
    return f"{word}-{uuid.uuid4().hex[:8]}"


def policy(*statements, **fields):
    whole = [{"Effect": "Allow", "Resource": "*", **statement} for statement in statements or (fields,)]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})


def trust(principal, condition=None, action="sts:AssumeRole"):
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


@pytest.fixture
def iam(lakemill):
    return lakemill.client("iam")


@pytest.fixture
def user(lakemill, iam):
    """A user: (name, its STS client, its key)."""
    name = unique("user")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return name, lakemill.client("sts", access_key=key["AccessKeyId"], secret=key["SecretAccessKey"]), key


def role(iam, document, **options):
    name = unique("role")
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **options)["Role"]


def session_of(lakemill, answer, service="sts"):
    held = answer["Credentials"]
    return lakemill.client(
        service, access_key=held["AccessKeyId"], secret=held["SecretAccessKey"], token=held["SessionToken"]
    )


def code_of(caught):
    return caught.value.response["Error"]["Code"]


def test_root_knows_who_it_is(lakemill):
    identity = lakemill.client("sts").get_caller_identity()
    assert (identity["Arn"], identity["UserId"]) == (f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)


def test_a_user_knows_who_it_is_even_under_a_deny(iam, user):
    name, sts, _ = user
    iam.put_user_policy(UserName=name, PolicyName="no", PolicyDocument=policy(Effect="Deny", Action="*"))
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"


def test_a_presigned_url_tells_who_signed_it(user):
    name, sts, _ = user
    url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 200
    assert f":user/{name}</Arn>" in answer.text
    assert requests.get(url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), timeout=10).status_code == 403


def test_a_role_that_names_the_caller_can_be_taken(lakemill, iam, user):
    name, sts, _ = user
    made = role(iam, trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}), Path="/jobs/")
    answer = sts.assume_role(RoleArn=made["Arn"], RoleSessionName="night@ly")
    assert answer["AssumedRoleUser"]["AssumedRoleId"] == f"{made['RoleId']}:night@ly"
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    identity = session_of(lakemill, answer).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{made['RoleName']}/night@ly"
    assert identity["UserId"] == f"{made['RoleId']}:night@ly"


def test_a_role_that_trusts_the_account_leaves_it_to_the_callers_policies(iam, user):
    name, sts, _ = user
    made = role(iam, trust({"AWS": ACCOUNT}))
    with pytest.raises(ClientError) as caught:
        sts.assume_role(RoleArn=made["Arn"], RoleSessionName="s1")
    assert code_of(caught) == "AccessDenied"
    allowed = policy(Action="sts:AssumeRole", Resource=made["Arn"])
    iam.put_user_policy(UserName=name, PolicyName="take", PolicyDocument=allowed)
    assert sts.assume_role(RoleArn=made["Arn"], RoleSessionName="s1")["Credentials"]


def test_a_role_that_trusts_somebody_else_is_refused_whatever_the_caller_may(iam, user):
    name, sts, _ = user
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    made = role(iam, trust({"Service": "sagemaker.amazonaws.com"}))
    with pytest.raises(ClientError, match=f"not authorized to perform: sts:AssumeRole on resource: {made['Arn']}"):
        sts.assume_role(RoleArn=made["Arn"], RoleSessionName="s1")


def test_a_role_that_is_not_there_is_refused_like_one_that_does_not_trust(user):
    _, sts, _ = user
    with pytest.raises(ClientError) as caught:
        sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/no-such-role", RoleSessionName="s1")
    assert code_of(caught) == "AccessDenied"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_an_external_id_must_be_the_one_the_role_wants(iam, user):
    name, sts, _ = user
    condition = {"StringEquals": {"sts:ExternalId": "42"}}
    made = role(iam, trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}, condition))
    for wrong in ({}, {"ExternalId": "41"}):
        with pytest.raises(ClientError):
            sts.assume_role(RoleArn=made["Arn"], RoleSessionName="s1", **wrong)
    assert sts.assume_role(RoleArn=made["Arn"], RoleSessionName="s1", ExternalId="42")["Credentials"]


def test_a_session_lasts_no_longer_than_the_role_allows(lakemill, iam, user):
    name, sts, _ = user
    made = role(iam, trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}), MaxSessionDuration=7200)
    answer = sts.assume_role(RoleArn=made["Arn"], RoleSessionName="s1", DurationSeconds=7200)
    assert answer["Credentials"]["Expiration"].tzinfo is not None
    with pytest.raises(ClientError, match="exceeds the MaxSessionDuration set for this role") as caught:
        sts.assume_role(RoleArn=made["Arn"], RoleSessionName="s1", DurationSeconds=7201)
    assert code_of(caught) == "ValidationError"
    iam.update_assume_role_policy(RoleName=made["RoleName"], PolicyDocument=trust({"AWS": made["Arn"]}))
    chained = session_of(lakemill, answer)
    assert chained.assume_role(RoleArn=made["Arn"], RoleSessionName="s2")["Credentials"]
    with pytest.raises(ClientError, match="role chaining"):
        chained.assume_role(RoleArn=made["Arn"], RoleSessionName="s2", DurationSeconds=3601)


def test_a_session_policy_narrows_the_role(lakemill, iam, user):
    name, sts, _ = user
    made = role(iam, trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}))
    iam.attach_role_policy(RoleName=made["RoleName"], PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    whole = session_of(lakemill, sts.assume_role(RoleArn=made["Arn"], RoleSessionName="s1"), "iam")
    assert whole.get_role(RoleName=made["RoleName"])["Role"]["Arn"] == made["Arn"]
    narrowed = {"Policy": policy(Action="iam:List*"), "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"}]}  # fmt: skip  # noqa: E501
    answer = sts.assume_role(RoleArn=made["Arn"], RoleSessionName="s1", **narrowed)
    assert 0 < answer["PackedPolicySize"] <= 100
    mine = session_of(lakemill, answer, "iam")
    assert mine.list_roles()["Roles"]
    with pytest.raises(ClientError, match="because no session policy allows the iam:GetRole action"):
        mine.get_role(RoleName=made["RoleName"])


def test_session_tags_need_a_permission_of_their_own_and_reach_the_policies(lakemill, iam, user):
    name, sts, _ = user
    named = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}
    made = role(iam, trust(named))
    tagged = {"RoleArn": made["Arn"], "RoleSessionName": "s1", "Tags": [{"Key": "team", "Value": "lake"}]}
    with pytest.raises(ClientError, match="sts:TagSession"):
        sts.assume_role(**tagged)
    iam.update_assume_role_policy(
        RoleName=made["RoleName"], PolicyDocument=trust(named, action=["sts:AssumeRole", "sts:TagSession"])
    )
    condition = {"StringEquals": {"aws:PrincipalTag/team": "lake"}}
    document = policy(Action="iam:ListRoles", Condition=condition)
    iam.put_role_policy(RoleName=made["RoleName"], PolicyName="p", PolicyDocument=document)
    assert session_of(lakemill, sts.assume_role(**tagged), "iam").list_roles()["Roles"]
    plain = sts.assume_role(RoleArn=made["Arn"], RoleSessionName="s1")
    with pytest.raises(ClientError):
        session_of(lakemill, plain, "iam").list_roles()


def test_a_session_ends_with_its_role(lakemill, iam, user):
    name, sts, _ = user
    made = role(iam, trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}))
    iam.put_role_policy(RoleName=made["RoleName"], PolicyName="p", PolicyDocument=policy(Action="iam:ListRoles"))
    mine = session_of(lakemill, sts.assume_role(RoleArn=made["Arn"], RoleSessionName="s1"), "iam")
    assert mine.list_roles()["Roles"]
    iam.delete_role_policy(RoleName=made["RoleName"], PolicyName="p")
    with pytest.raises(ClientError):
        mine.list_roles()


def test_a_token_must_be_the_keys_own(lakemill, user):
    _, sts, _ = user
    held = sts.get_session_token()["Credentials"]
    for token in (None, "another"):
        client = lakemill.client("sts", access_key=held["AccessKeyId"], secret=held["SecretAccessKey"], token=token)
        with pytest.raises(ClientError) as caught:
            client.get_caller_identity()
        assert code_of(caught) == "InvalidClientTokenId"


def test_a_session_token_is_the_user_without_iam(lakemill, iam, user):
    name, sts, _ = user
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    answer = sts.get_session_token(DurationSeconds=900)
    mine = session_of(lakemill, answer)
    assert mine.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"
    with pytest.raises(ClientError):
        session_of(lakemill, answer, "iam").list_users()
    with pytest.raises(ClientError):
        mine.get_session_token()
    assert session_of(lakemill, answer, "logs").describe_log_groups()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_federated_user_has_no_more_than_its_policy(lakemill, iam, user):
    name, sts, _ = user
    iam.attach_user_policy(UserName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    answer = sts.get_federation_token(Name="guest", Policy=policy(Action="logs:DescribeLogGroups"))
    assert answer["FederatedUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/guest"
    logs = session_of(lakemill, answer, "logs")
    assert "logGroups" in logs.describe_log_groups()
    with pytest.raises(ClientError):
        logs.create_log_group(logGroupName=unique("g"))
    bare = session_of(lakemill, sts.get_federation_token(Name="guest"), "logs")
    with pytest.raises(ClientError):
        bare.describe_log_groups()


def test_the_account_of_a_key_is_told(lakemill, user):
    _, _, key = user
    assert lakemill.client("sts").get_access_key_info(AccessKeyId=key["AccessKeyId"])["Account"] == ACCOUNT


def test_mfa_is_refused_by_name(user):
    _, sts, _ = user
    with pytest.raises(ClientError, match=r"(TokenCode|SerialNumber) is refused"):
        sts.get_session_token(SerialNumber="arn:aws:iam::000000000000:mfa/x", TokenCode="123456")
