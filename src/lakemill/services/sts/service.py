"""The operations of STS that lakemill provides."""

from typing import Any, ClassVar

from lakemill.engines.identity import Identity
from lakemill.engines.identity.assuming import (
    Granted,
    Wish,
    account_of_key,
    assume_role,
    federation_token,
    session_token,
)
from lakemill.engines.identity.errors import (
    InputInvalid,
    PolicyMalformed,
    PolicyTooLarge,
    RoleRefused,
    ValueInvalid,
)
from lakemill.engines.identity.sessions import SessionCredentials
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, Need, Service, operation

Request = dict[str, Any]
MFA = {
    "SerialNumber": "lakemill has no MFA devices",
    "TokenCode": "lakemill has no MFA devices",
}
TOKENS = {"MinimumSessionTokenSize": "session tokens have one size"}


class Sts(Service):
    """boto3 client `sts`."""

    name: ClassVar[str] = "sts"
    errors: ClassVar = {
        RoleRefused: "AccessDenied",
        PolicyMalformed: "MalformedPolicyDocument",
        PolicyTooLarge: "PackedPolicyTooLarge",
        InputInvalid: "InvalidParameterValue",
        ValueInvalid: "ValidationError",
    }

    def __init__(self, identity: Identity, clock: Clock) -> None:
        self._identity = identity
        self._clock = clock

    def needs(self, call: Call, request: Request) -> list[Need]:
        """Who calls may always know who it is, and get a token for itself; whether it may take a role the role's
        trust decides along with the caller's policies, in the handler."""
        if call.operation == "GetFederationToken":
            return [Need("sts:GetFederationToken", f"arn:aws:sts::{call.account}:federated-user/{request['Name']}")]
        if call.operation == "GetAccessKeyInfo":
            return [Need("sts:GetAccessKeyInfo")]
        if call.operation == "GetSessionToken" and call.principal.expires is not None:
            return [Need("sts:GetSessionToken")]
        return []

    @operation("GetCallerIdentity")
    def get_caller_identity(self, call: Call, request: Request) -> Request:
        return {"UserId": call.principal.user_id, "Account": call.account, "Arn": call.principal.arn}

    @operation("AssumeRole", refuses={**MFA, **TOKENS, "SourceIdentity": "", "ProvidedContexts": ""})
    async def assume_role(self, call: Call, request: Request) -> Request:
        wish = _wish(request, request["RoleSessionName"])
        granted = await assume_role(self._identity, call.principal, request["RoleArn"], wish, self._context(call))
        principal = granted.credentials.principal
        answer = {"AssumedRoleUser": {"AssumedRoleId": principal.user_id, "Arn": principal.arn}}
        return answer | _granted(granted)

    def _context(self, call: Call) -> Request:
        return self._identity.request_context(
            call.principal,
            region=call.region,
            source_ip=call.http.client,
            secure=call.http.scheme == "https",
            user_agent=call.http.header("user-agent"),
            referer=call.http.header("referer"),
        )

    @operation("GetSessionToken", refuses={**MFA, **TOKENS})
    async def get_session_token(self, call: Call, request: Request) -> Request:
        credentials = await session_token(self._identity, call.principal, request.get("DurationSeconds"))
        return {"Credentials": _credentials(credentials)}

    @operation("GetFederationToken", refuses=TOKENS)
    async def get_federation_token(self, call: Call, request: Request) -> Request:
        wish = _wish(request, request["Name"])
        granted = await federation_token(self._identity, call.principal, wish)
        principal = granted.credentials.principal
        answer = {"FederatedUser": {"FederatedUserId": principal.user_id, "Arn": principal.arn}}
        return answer | _granted(granted)

    @operation("GetAccessKeyInfo")
    def get_access_key_info(self, call: Call, request: Request) -> Request:
        return {"Account": account_of_key(self._identity, request["AccessKeyId"])}


def _wish(request: Request, name: str) -> Wish:
    return Wish(
        session_name=name,
        duration_s=request.get("DurationSeconds"),
        policy=request.get("Policy"),
        policy_arns=tuple(policy["arn"] for policy in request.get("PolicyArns", ())),
        tags={tag["Key"]: tag["Value"] for tag in request.get("Tags", ())},
        transitive=tuple(request.get("TransitiveTagKeys", ())),
        external_id=request.get("ExternalId"),
    )


def _granted(granted: Granted) -> Request:
    packed = {} if granted.packed_percent is None else {"PackedPolicySize": granted.packed_percent}
    return {"Credentials": _credentials(granted.credentials)} | packed


def _credentials(credentials: SessionCredentials) -> Request:
    return {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret,
        "SessionToken": credentials.session_token,
        "Expiration": credentials.expires,
    }
