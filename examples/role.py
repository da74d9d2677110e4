"""An execution role for SageMaker, made when missing."""

import json

import boto3

NAME = "example-sagemaker-role"


def execution_role() -> str:
    """The role's ARN."""
    iam = boto3.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"},
            {"Effect": "Allow", "Principal": {"AWS": account_root()}, "Action": "sts:AssumeRole"},
        ],
    }
    try:
        role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    except iam.exceptions.EntityAlreadyExistsException:
        role = iam.get_role(RoleName=NAME)["Role"]
    for policy in ("AmazonSageMakerFullAccess", "AmazonS3FullAccess"):
        iam.attach_role_policy(RoleName=NAME, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    return role["Arn"]


def account_root() -> str:
    return f"arn:aws:iam::{boto3.client('sts').get_caller_identity()['Account']}:root"


def assumed_session() -> boto3.session.Session:
    """A session of that role, as code in a notebook has it; the caller must be allowed to assume it."""
    credentials = boto3.client("sts").assume_role(RoleArn=execution_role(), RoleSessionName="notebook")["Credentials"]
    return boto3.session.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
