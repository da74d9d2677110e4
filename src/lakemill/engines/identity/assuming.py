"""How callers get temporary credentials: taking a role, a token for oneself, a token for somebody else."""

import dataclasses
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

from lakemill.engines.identity.engine import Identity
from lakemill.engines.identity.errors import (
    EntityMissing,
    InputInvalid,
    PolicyMalformed,
    PolicyTooLarge,
    RoleRefused,
    ValueInvalid,
)
from lakemill.engines.identity.evaluation import denial
from lakemill.engines.identity.policy import compile_policy
from lakemill.engines.identity.principal import Principal
from lakemill.engines.identity.sessions import SessionCredentials

ROLE_S_DEFAULT = 3600
CHAINED_S_MAX = 3600
TOKEN_S_DEFAULT, TOKEN_S_ROOT_MAX = 43_200, 3600
POLICY_CHARACTERS_MAX = 2048
POLICY_ARNS_MAX = 10
TAGS_MAX = 50
PACKED_BYTES_MAX = 2048
"""Policies and tags of a session, compressed; AWS does not say how it packs them, only the percentage."""

# A federated session without policies of its own may do nothing that its user's policies allow.
_NO_ALLOW = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "none:None", "Resource": "*"}}'
_TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")


@dataclasses.dataclass(frozen=True)
class Wish:
    """What a caller asks a session to be."""

    session_name: str
    duration_s: int | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    transitive: tuple[str, ...] = ()
    external_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Granted:
    """The credentials, and how full the session's policies and tags are (None: it has none)."""

    credentials: SessionCredentials
    packed_percent: int | None


async def assume_role(
    identity: Identity, caller: Principal, role_arn: str, wish: Wish, context: Mapping[str, Any]
) -> Granted:
    """Let a caller take a role.

    Its trust policy must allow the caller; where it names only the caller's account, the caller's own policies must
    allow sts:AssumeRole too. Unlike on AWS, an account's root may take roles that trust it: it is the only caller
    there is after the first start.

    Raises RoleRefused (also when there is no such role), ValueInvalid, PolicyMalformed, PolicyTooLarge.
    """
    role = identity.role_at(role_arn)
    if role is None:
        raise RoleRefused(role_arn, caller.arn, denial(caller, "sts:AssumeRole", role_arn))
    inherited = _inherited(identity, caller)
    _check_tags(wish.tags, inherited)
    asked = {**context, **_session_keys(wish)}
    for action in ("sts:AssumeRole", *(("sts:TagSession",) if wish.tags or wish.transitive else ())):
        decision = identity.decide_trust(caller, action, role_arn, role, asked)
        if not decision.allowed:
            raise RoleRefused(role_arn, caller.arn, decision.reason)
    duration_s = _role_duration(caller, role, wish.duration_s)
    account = role_arn.split(":")[4]
    policies = _policies(identity, account, wish)
    tags = {**inherited, **wish.tags}
    packed = _packed(policies, wish.policy_arns, tags)
    principal = identity.role(account, role, wish.session_name, session_policies=policies, session_tags=tags)
    transitive = {*inherited, *wish.transitive}
    return Granted(await identity.sessions.open(principal, duration_s, sorted(transitive)), packed)


def _session_keys(wish: Wish) -> dict[str, Any]:
    keys: dict[str, Any] = {"sts:RoleSessionName": wish.session_name}
    if wish.external_id is not None:
        keys["sts:ExternalId"] = wish.external_id
    if wish.tags:
        keys["aws:TagKeys"] = list(wish.tags)
        keys |= {f"aws:RequestTag/{key}": value for key, value in wish.tags.items()}
    if wish.transitive:
        keys["sts:TransitiveTagKeys"] = list(wish.transitive)
    return keys


def _inherited(identity: Identity, caller: Principal) -> dict[str, str]:
    """The tags that come along from the role the caller already has."""
    if caller.kind != "role" or caller.access_key_id is None:
        return {}
    session = identity.sessions.find(caller.access_key_id)
    keys = session["transitive"] if session else []
    return {key: caller.session_tags[key] for key in keys if key in caller.session_tags}


def _check_tags(tags: Mapping[str, str], inherited: Mapping[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        raise ValueInvalid(f"A session can have at most {TAGS_MAX} tags.")
    lower = [key.lower() for key in tags]
    if len(set(lower)) != len(lower):
        raise InputInvalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    for key in tags:
        if key.lower() in {one.lower() for one in inherited}:
            raise InputInvalid(
                "One of the specified transitive tag keys can't be set because it conflicts with "
                f"a transitive tag key from the calling session: {key}"
            )
        if key.lower().startswith("aws:") or not _TAG_TEXT.fullmatch(key) or not _TAG_TEXT.fullmatch(tags[key]):
            raise ValueInvalid(f"The tag {key} has a key or value that is not allowed.")


def _role_duration(caller: Principal, role: dict[str, Any], asked_s: int | None) -> int:
    chained = caller.kind == "role"
    if asked_s is None:
        return ROLE_S_DEFAULT
    if chained and asked_s > CHAINED_S_MAX:
        raise ValueInvalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        )
    if asked_s > role["session_s_max"]:
        raise ValueInvalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return asked_s


def _policies(identity: Identity, account: str, wish: Wish) -> tuple[str, ...]:
    """The texts that narrow the session, as they stand now."""
    texts = []
    if wish.policy is not None:
        compile_policy(wish.policy)
        if len(wish.policy) > POLICY_CHARACTERS_MAX:
            raise ValueInvalid(
                f"1 validation error detected: Value at 'policy' failed to satisfy constraint: "
                f"Member must have length less than or equal to {POLICY_CHARACTERS_MAX}"
            )
        texts.append(wish.policy)
    if len(wish.policy_arns) > POLICY_ARNS_MAX:
        raise ValueInvalid(f"At most {POLICY_ARNS_MAX} policy ARNs can narrow a session.")
    for arn in wish.policy_arns:
        text = identity.policies.default_text(arn)
        if text is None or arn.split(":")[4] not in ("aws", account):
            raise PolicyMalformed(f"The policy {arn} does not exist or is not attachable.")
        texts.append(text)
    return tuple(texts)


def _packed(policies: tuple[str, ...], arns: tuple[str, ...], tags: Mapping[str, str]) -> int | None:
    """Percent of the room that policies and tags take. Raises PolicyTooLarge."""
    inline = policies[: len(policies) - len(arns)]
    if not policies and not tags:
        return None
    packed = len(zlib.compress(json.dumps([[json.loads(text) for text in inline], arns, dict(tags)]).encode()))
    percent = -(-100 * packed // PACKED_BYTES_MAX)
    if percent > 100:
        raise PolicyTooLarge(f"Packed policy and tags consume {percent}% of allotted space, please use smaller ones.")
    return percent


async def session_token(identity: Identity, caller: Principal, duration_s: int | None) -> SessionCredentials:
    """Temporary credentials for a user (or root) itself. Raises RoleRefused for anybody else, ValueInvalid."""
    if caller.kind not in ("user", "root") or caller.expires is not None:
        raise RoleRefused("", caller.arn, "Cannot call GetSessionToken with session credentials")
    return await identity.sessions.open(caller, _token_duration(caller, duration_s))


def _token_duration(caller: Principal, asked_s: int | None) -> int:
    """A root's token lives an hour at most, whatever was asked."""
    return min(asked_s or TOKEN_S_DEFAULT, TOKEN_S_ROOT_MAX if caller.kind == "root" else 129_600)


async def federation_token(identity: Identity, caller: Principal, wish: Wish) -> Granted:
    """Credentials a user hands to somebody it vouches for: what the user may do and the wish's policies allow.

    Raises RoleRefused, ValueInvalid, PolicyMalformed, PolicyTooLarge.
    """
    if caller.kind not in ("user", "root") or caller.expires is not None:
        raise RoleRefused("", caller.arn, "Cannot call GetFederationToken with session credentials")
    _check_tags(wish.tags, {})
    policies = _policies(identity, caller.account, wish)
    packed = _packed(policies, wish.policy_arns, wish.tags)
    principal = dataclasses.replace(
        caller,
        arn=f"arn:aws:sts::{caller.account}:federated-user/{wish.session_name}",
        user_id=f"{caller.account}:{wish.session_name}",
        session=wish.session_name,
        session_policies=policies or (_NO_ALLOW,),
        session_tags=dict(wish.tags),
    )
    duration_s = _token_duration(caller, wish.duration_s)
    return Granted(await identity.sessions.open(principal, duration_s), packed)


def account_of_key(identity: Identity, access_key_id: str) -> str:
    """The account a key belongs to. Raises ValueInvalid."""
    session = identity.sessions.find(access_key_id)
    if session is not None:
        account: str = session["principal"]["account"]
        return account
    try:
        return identity.keys.find(access_key_id).account
    except EntityMissing:
        raise ValueInvalid(f"Access key {access_key_id} does not exist.") from None
