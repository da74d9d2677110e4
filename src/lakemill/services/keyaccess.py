"""What using a key needs, for every service that encrypts with one in its caller's name.

A key's policy has the last word; policies of identities count where it names the account, which the policy that keys
have by default does. A grant is one more statement of the policy, for its grantee.
(https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html)
"""

import json
from collections.abc import Mapping
from typing import Any

from lakemill.engines.keys import Key, Keys
from lakemill.services.base import Need

USING = [
    *("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey")
]
"""What callers may have a service do with the key the platform made for it."""

SHOWING = ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"]
"""What an account may do itself with such a key."""


def key_arn(key: Key) -> str:
    """`arn:aws:kms:<region>:<account>:key/<id>`."""
    account, _, region = key.scope.partition("/")
    return f"arn:aws:kms:{region}:{account}:key/{key.id}"


def default_policy(account: str) -> dict[str, Any]:
    """Of keys made without one: it leaves everything to the account's own policies."""
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}


def policy_of(key: Key) -> dict[str, Any]:
    """The document of a key's policy."""
    account, _, region = key.scope.partition("/")
    if not key.managed_for:
        policy: dict[str, Any] = json.loads(key.policy) if key.policy else default_policy(account)
        return policy
    through = {"kms:CallerAccount": account, "kms:ViaService": f"{key.managed_for}.{region}.amazonaws.com"}
    statements = [
        {
            "Sid": f"Allow access through {key.managed_for} for all principals in the account that may use it",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": USING,
            "Resource": "*",
            "Condition": {"StringEquals": through},
        },
        {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": SHOWING,
            "Resource": "*",
        },
    ]
    return {"Version": "2012-10-17", "Id": f"auto-{key.managed_for}-1", "Statement": statements}


def effective_policy(keys: Keys, key: Key, operation: str, context: Mapping[str, str]) -> dict[str, Any]:
    """The policy with a statement for every grant that covers the operation."""
    policy = policy_of(key)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    granted = [
        {
            "Effect": "Allow",
            "Principal": principal_of(grant.grantee),
            "Action": f"kms:{operation}",
            "Resource": "*",
        }
        for grant in keys.grants.all(key.scope, key.id)
        if grant.covers(operation, context)
    ]
    return {**policy, "Statement": [*statements, *granted]} if granted else policy


def principal_of(text: str) -> dict[str, str]:
    """A grant's principal as a policy has it."""
    return {"AWS": text} if text.startswith("arn:") else {"Service": text}


def key_need(
    keys: Keys,
    key: Key,
    operation: str,
    context: Mapping[str, str] | None = None,
    *,
    caller: str | None = None,
    via: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Need:
    """What it takes to do an operation (`GenerateDataKey`, `Decrypt`, ...) with a key.

    context: the encryption context. caller: the account that asks, if it may be another than the key's.
    via: the service that does it in its caller's name (`kinesis`), if one does.
    extra: further condition keys.
    """
    account, _, region = key.scope.partition("/")
    conditions: dict[str, Any] = {
        "kms:CallerAccount": caller or account,
        "kms:KeySpec": key.spec_name,
        "kms:KeyUsage": key.usage,
        "kms:KeyOrigin": "AWS_KMS",
        "kms:ResourceAliases": keys.aliases.of(key),
    }
    conditions |= {f"aws:ResourceTag/{name}": value for name, value in key.tags.items()}
    if context:
        conditions |= {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
        conditions["kms:EncryptionContextKeys"] = list(context)
    if via is not None:
        conditions |= {"kms:ViaService": f"{via}.{region}.amazonaws.com", "aws:ViaAWSService": True}
    return Need(
        f"kms:{operation}",
        key_arn(key),
        {**conditions, **(extra or {})},
        resource_policy=effective_policy(keys, key, operation, context or {}),
        resource_account=account,
        strict=True,
    )
