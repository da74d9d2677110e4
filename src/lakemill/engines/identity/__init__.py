"""Identities and what they may do: users, groups, roles, keys, sessions, policies and decisions.

    Identity(metadata, clock, account)
        .root_key(account=None) -> AccessKey                      .access_key_id .secret; blocks
        .credential(access_key_id, session_token=None) -> Credential        .secret .principal
                                                  raises CredentialError: KeyUnknown, TokenExpired, TokenInvalid
        .request_context(principal, *, region, source_ip, secure, user_agent=None, referer=None, vpce=None) -> dict
        .decide(principal, action, resource, context, resource_policy=None, resource_account=None, *, strict=False,
                resource_type=RESOURCE) -> Decision               .allowed .reason .explicit .policy_type
        .service_session(role_arn, service, session_name, *, source_arn=None) -> Principal        raises RoleRefused
        .service_credentials(role_arn, service, session_name, duration_s=3600, *, source_arn=None)
                -> SessionCredentials                             .access_key_id .secret .session_token .expires; blocks
        .anonymous(account) -> Principal
    RoleRights(identity, objects, service, session).refusal(role_arn, region, action, resource) -> str | None
        .uses.note(principal, service, region)                    after each verified request: last-used times
        .users .groups .roles .policies .profiles .keys .sessions the documents, for services/iam and services/sts

A service that stores a role needs `iam:PassRole` on the role's ARN with {"iam:PassedToService": "<its principal>"} in
the context, beside its own permission; services/base has `pass_role(role_arn, principal)` for that.
"""

from lakemill.engines.identity.engine import Credential, Identity
from lakemill.engines.identity.errors import (
    CredentialError,
    IdentityError,
    KeyUnknown,
    PolicyMalformed,
    RoleRefused,
    TokenExpired,
    TokenInvalid,
)
from lakemill.engines.identity.evaluation import Decision
from lakemill.engines.identity.policy import compile_policy
from lakemill.engines.identity.principal import Principal, anonymous
from lakemill.engines.identity.principals import canonical_id
from lakemill.engines.identity.rights import RoleRights
from lakemill.engines.identity.sessions import SessionCredentials

__all__ = [
    "Credential",
    "CredentialError",
    "Decision",
    "Identity",
    "IdentityError",
    "KeyUnknown",
    "PolicyMalformed",
    "Principal",
    "RoleRefused",
    "RoleRights",
    "SessionCredentials",
    "TokenExpired",
    "TokenInvalid",
    "anonymous",
    "canonical_id",
    "compile_policy",
]
