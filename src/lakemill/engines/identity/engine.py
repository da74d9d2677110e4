"""Identity: whose key it is, and what it may do."""

import dataclasses
import datetime
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from lakemill.engines.identity.accounts import Accounts
from lakemill.engines.identity.conditions import Context
from lakemill.engines.identity.errors import KeyUnknown, RoleRefused, TokenExpired, TokenInvalid
from lakemill.engines.identity.evaluation import (
    ALLOWED,
    RESOURCE,
    SESSION,
    TRUST,
    Decision,
    Question,
    Standing,
    denial,
    evaluate,
)
from lakemill.engines.identity.holders import Document
from lakemill.engines.identity.keys import AccessKey, AccessKeys
from lakemill.engines.identity.managed import ManagedPolicies
from lakemill.engines.identity.people import Groups, Roles, Users
from lakemill.engines.identity.policy import Kind, Policy, compile_policy
from lakemill.engines.identity.principal import Principal, anonymous
from lakemill.engines.identity.profiles import InstanceProfiles
from lakemill.engines.identity.sessions import SessionCredentials, Sessions, principal_of
from lakemill.engines.identity.store import KEYS, ROLES, USERS, Store, entity_key
from lakemill.engines.identity.trust import effective
from lakemill.engines.identity.uses import Uses
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata

CACHED_MAX = 10_000
ALLOWED_MAX = 1_000
"""Of a principal."""
EVERYTHING = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
_SESSION_MAY_STS = ("sts:assumerole", "sts:tagsession", "sts:getcalleridentity")


class Credential(msgspec.Struct, frozen=True):
    """A key that works now: what it signs with, and who it is."""

    secret: str
    principal: Principal


class _Held(msgspec.Struct, frozen=True):
    credential: Credential
    token: str | None
    expires_s: float | None


class _Known(msgspec.Struct, frozen=True):
    """What is remembered of a principal."""

    standing: Standing
    tags: dict[str, str]
    allowed: set[tuple[str, str]] = msgspec.field(default_factory=set)
    """Actions and resources its policies allow, whatever else the request says."""


class Identity:
    """The engine.

    Every account has a root; `account` is the one of the root key made at the first start. What `credential` and
    `decide` look up is remembered until anything changes, so a request on the usual way reads nothing from disk and a
    key that is switched off stops working with the answer of the call that switched it off.
    """

    def __init__(self, metadata: Metadata, clock: Clock, account: str) -> None:
        self._account = account
        self._clock = clock
        self._generation = 0
        self._held: dict[str, _Held] = {}
        self._known: dict[tuple[str, str, str, str], _Known] = {}
        self._store = Store(metadata, clock, self._forget)
        self.accounts = Accounts(self._store)
        self.users = Users(self._store)
        self.groups = Groups(self._store, self.users)
        self.roles = Roles(self._store)
        self.policies = ManagedPolicies(self._store)
        self.profiles = InstanceProfiles(self._store)
        self.keys = AccessKeys(self._store)
        self.sessions = Sessions(self._store)
        self.uses = Uses(metadata, clock)

    @property
    def store(self) -> Store:
        return self._store

    def _forget(self) -> None:
        self._generation += 1
        self._held.clear()
        self._known.clear()

    # Who

    def root_key(self, account: str | None = None) -> AccessKey:
        """The root's access key of an account, made when there is none that works. Blocks."""
        return self.keys.root_key(account or self._account)

    def credential(self, access_key_id: str, session_token: str | None = None) -> Credential:
        """The secret and the bearer of a key. Raises KeyUnknown, TokenExpired, TokenInvalid."""
        held = self._held.get(access_key_id)
        if held is None:
            generation = self._generation
            held = self._load(access_key_id)
            if generation == self._generation and len(self._held) < CACHED_MAX:
                self._held[access_key_id] = held
        if held.token is None:
            if session_token:
                raise TokenInvalid(access_key_id)
            return held.credential
        if not session_token or not hmac.compare_digest(session_token.encode(), held.token.encode()):
            raise TokenInvalid(access_key_id)
        if held.expires_s is not None and self._clock.time() >= held.expires_s:
            raise TokenExpired(access_key_id)
        return held.credential

    def _load(self, access_key_id: str) -> _Held:
        if access_key_id.startswith("ASIA"):
            return self._load_session(access_key_id)
        document = self._store.get(KEYS, access_key_id)
        if document is None or not document["active"]:
            raise KeyUnknown(access_key_id)
        if document["user"] is None:
            principal = self.root(document["account"], access_key_id)
        else:
            user = self.users.find(document["account"], document["user"])
            if user is None:
                raise KeyUnknown(access_key_id)
            principal = self.user(document["account"], user, access_key_id)
        return _Held(Credential(document["secret"], principal), None, None)

    def _load_session(self, access_key_id: str) -> _Held:
        document = self.sessions.find(access_key_id)
        if document is None:
            raise KeyUnknown(access_key_id)
        principal = principal_of(document)
        if principal.kind == "user" and principal.session is None:
            user = self.users.with_id(principal.account, principal.user_id)
            if user is None:
                raise KeyUnknown(access_key_id)
            principal = dataclasses.replace(principal, name=user["name"], arn=self.users.arn(principal.account, user))
        return _Held(Credential(document["secret"], principal), document["token"], document["expires"])

    @staticmethod
    def root(account: str, access_key_id: str | None = None) -> Principal:
        """An account's root."""
        return Principal("root", account, f"arn:aws:iam::{account}:root", account, access_key_id=access_key_id)

    def user(self, account: str, user: Document, access_key_id: str | None = None) -> Principal:
        """The principal of a user's document."""
        return Principal(
            "user", account, self.users.arn(account, user), user["id"], user["name"], access_key_id=access_key_id
        )

    def role(self, account: str, role: Document, session: str, **narrowed: Any) -> Principal:
        """The principal of a session of a role (its document)."""
        return Principal(
            "role",
            account,
            f"arn:aws:sts::{account}:assumed-role/{role['name']}/{session}",
            f"{role['id']}:{session}",
            role["name"],
            role_arn=self.roles.arn(account, role),
            session=session,
            **narrowed,
        )

    @staticmethod
    def anonymous(account: str) -> Principal:
        """Nobody in particular."""
        return anonymous(account)

    # May it

    def decide(
        self,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, Any],
        resource_policy: Mapping[str, Any] | str | None = None,
        resource_account: str | None = None,
        *,
        strict: bool = False,
        resource_type: str = RESOURCE,
    ) -> Decision:
        """Whether a principal may do an action (`s3:GetObject`) on a resource (an ARN, or `*` for none in particular).

        context: condition keys, as `request_context` gives them and with those of the operation.
        resource_policy, resource_account: the resource's own policy, and who owns it (None: the principal's account).
        strict: the resource's policy must allow in any case (role trust, key policies).
        """
        if principal.boundary_free:
            return ALLOWED
        if _kept_from(principal, action):
            return Decision(False, denial(principal, action, resource, SESSION), policy_type=SESSION)
        kind: Kind = "trust" if resource_type == TRUST else "resource"
        own = None if resource_policy is None else compile_policy(resource_policy, kind)
        crossing = resource_account is not None and resource_account != principal.account
        question = Question(principal, action, resource, Context(context))
        known = self._knowledge(principal)
        standing = _narrowed(known.standing, principal)
        decision = evaluate(question, standing, own, cross_account=crossing, strict=strict, resource_type=resource_type)
        plain = own is None and not crossing and not strict and resource_type == RESOURCE and standing.session is None
        if plain and decision.allowed and len(known.allowed) < ALLOWED_MAX and not standing.asks_context(action):
            known.allowed.add((action, resource))
        return decision

    def allows_anyhow(self, principal: Principal, action: str, resource: str) -> bool:
        """Whether `decide` is known to allow this, whatever the context, on a resource of the principal's own account.

        For a resource without a policy. False says nothing. Known is what was decided since anything last changed.
        """
        if principal.session_policies or principal.kind not in ("user", "role"):
            return False
        return (action, resource) in self._knowledge(principal).allowed and not _kept_from(principal, action)

    def standing(self, principal: Principal) -> Standing:
        """The policies of a principal, with those that narrow its session."""
        return _narrowed(self._knowledge(principal).standing, principal)

    def tags(self, principal: Principal) -> Mapping[str, str]:
        """Tags of the user or role, with the session's over them."""
        own = self._knowledge(principal).tags
        return {**own, **principal.session_tags} if principal.session_tags else own

    def _knowledge(self, principal: Principal) -> _Known:
        key = (principal.kind, principal.account, principal.name, principal.user_id.partition(":")[0])
        known = self._known.get(key)
        if known is None:
            generation = self._generation
            known = self._learn(principal)
            if generation == self._generation and len(self._known) < CACHED_MAX:
                self._known[key] = known
        return known

    def _learn(self, principal: Principal) -> _Known:
        if principal.kind == "root":
            return _Known(Standing((compile_policy(EVERYTHING),)), {})
        if principal.kind not in ("user", "role"):
            return _Known(Standing(), {})
        table = USERS if principal.kind == "user" else ROLES
        holder = self._store.get(table, entity_key(principal.account, principal.name))
        if holder is None or (holder["id"] != principal.user_id.partition(":")[0] and not _federated(principal)):
            return _Known(Standing(), {})  # Deleted, or made anew since the session began: nothing is left to it.
        policies = self.policies_of(holder)
        if principal.kind == "user":
            for group in self.groups.of(principal.account, principal.name):
                policies += self.policies_of(group)
        boundary = None
        if (arn := holder.get("boundary")) is not None:
            text = self.policies.default_text(arn)
            boundary = () if text is None else (compile_policy(text),)
        return _Known(Standing(tuple(policies), boundary), holder.get("tags", {}))

    def policies_of(self, holder: Document) -> list[Policy]:
        """The inline and the attached policies of a user, group or role."""
        texts = [*holder["inline"].values(), *(self.policies.default_text(arn) for arn in holder["attached"])]
        return [compile_policy(text) for text in texts if text is not None]

    def request_context(
        self,
        principal: Principal,
        *,
        region: str,
        source_ip: str,
        secure: bool,
        user_agent: str | None = None,
        referer: str | None = None,
        vpce: str | None = None,
    ) -> dict[str, Any]:
        """The global condition keys of a request. vpce: the VPC endpoint it came through, if any."""
        now = self._clock.now()
        context: dict[str, Any] = {
            "aws:SecureTransport": secure,
            "aws:RequestedRegion": region,
            "aws:CurrentTime": now,
            "aws:EpochTime": int(now.timestamp()),
            "aws:userid": principal.user_id,
            "aws:PrincipalType": principal_type(principal),
            "aws:PrincipalIsAWSService": principal.kind == "service",
            "aws:ViaAWSService": False,
        }
        if vpce is None:
            context["aws:SourceIp"] = source_ip
        else:
            context |= {"aws:SourceVpce": vpce, "aws:VpcSourceIp": source_ip}
        if user_agent is not None:
            context["aws:UserAgent"] = user_agent
        if referer is not None:
            context["aws:Referer"] = referer
        if principal.kind in ("root", "user", "role"):
            context["aws:PrincipalArn"] = principal.role_arn or principal.arn
            context["aws:PrincipalAccount"] = principal.account
            if principal.kind == "user" and not _federated(principal):
                context["aws:username"] = principal.name
            if principal.expires is not None:
                context["aws:MultiFactorAuthPresent"] = False
            for key, value in self.tags(principal).items():
                context[f"aws:PrincipalTag/{key}"] = value
        return context

    # Services take roles

    def service_session(
        self, role_arn: str, service: str, session_name: str, *, source_arn: str | None = None
    ) -> Principal:
        """A role as a service takes it: service is its principal (`sagemaker.amazonaws.com`), source_arn the resource
        it works for. Raises RoleRefused when the role is not there or does not trust the service."""
        account = role_arn.split(":")[4] if role_arn.count(":") >= 5 else self._account
        taker = Principal("service", account, service, service, service)
        context: dict[str, Any] = {"aws:SourceAccount": account, "aws:PrincipalIsAWSService": True}
        if source_arn is not None:
            context["aws:SourceArn"] = source_arn
        role = self.role_at(role_arn)
        decision = role and self.decide_trust(taker, "sts:AssumeRole", role_arn, role, context)
        if role is None or not decision or not decision.allowed:
            raise RoleRefused(
                role_arn,
                service,
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
                f"'{service}' to assume the role.",
            )
        return self.role(account, role, session_name)

    def service_credentials(
        self, role_arn: str, service: str, session_name: str, duration_s: int = 3600, *, source_arn: str | None = None
    ) -> SessionCredentials:
        """Keys for a role as a service takes it, for a job's process. Blocks; not from the event loop.

        Raises RoleRefused.
        """
        principal = self.service_session(role_arn, service, session_name, source_arn=source_arn)
        return self.sessions.open_blocking(principal, duration_s)

    def role_at(self, role_arn: str) -> Document | None:
        """The role of an ARN; None if there is none."""
        parts = role_arn.split(":")
        if len(parts) != 6 or not parts[5].startswith("role/"):
            return None
        role = self.roles.find(parts[4], role_arn.rpartition("/")[2])
        return role if role is not None and self.roles.arn(parts[4], role) == role_arn else None

    def trust_of(self, role: Document) -> str:
        """A role's trust policy as it stands now."""
        return effective(self._store, role["trust"], role["pins"])

    def decide_trust(
        self, principal: Principal, action: str, role_arn: str, role: Document, context: Mapping[str, Any]
    ) -> Decision:
        """Whether a principal may take a role (or tag its session)."""
        return self.decide(
            principal,
            action,
            role_arn,
            context,
            self.trust_of(role),
            role_arn.split(":")[4],
            strict=True,
            resource_type=TRUST,
        )


def _narrowed(standing: Standing, principal: Principal) -> Standing:
    if not principal.session_policies:
        return standing
    session = tuple(compile_policy(document) for document in principal.session_policies)
    return Standing(standing.identity, standing.boundary, session)


def principal_type(principal: Principal) -> str:
    """The value of aws:PrincipalType."""
    if _federated(principal):
        return "FederatedUser"
    return {"root": "Account", "user": "User", "role": "AssumedRole", "anonymous": "Anonymous", "service": "Service"}[
        principal.kind
    ]


def _federated(principal: Principal) -> bool:
    return ":federated-user/" in principal.arn


def _kept_from(principal: Principal, action: str) -> bool:
    """Sessions of users (and root) reach neither IAM nor, but for taking roles, STS; federated ones not even that."""
    if principal.kind == "role" or not (principal.access_key_id or "").startswith("ASIA"):
        return False
    lower = action.lower()
    if lower.startswith("iam:"):
        return True
    return lower.startswith("sts:") and (_federated(principal) or lower not in _SESSION_MAY_STS)


def from_epoch(time_s: float) -> datetime.datetime:
    """A document's time as an aware datetime, to the second."""
    return datetime.datetime.fromtimestamp(int(time_s), datetime.UTC)
