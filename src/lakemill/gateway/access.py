"""Who calls, and whether they may: the verify and authorise steps.

on: a request must be signed (or be one that may be anonymous), and every permission it needs must be allowed.
soft: the same is worked out, but a refusal only becomes a line in the log; the caller acts as the account's root.
off: nothing is looked at; a 12-digit access key id is taken as the account id.
"""

import hmac
from typing import Any

from lakemill.engines.identity import Identity, KeyUnknown, Principal, TokenExpired, TokenInvalid, anonymous
from lakemill.gateway import sigfaults, sigv2, sigv4
from lakemill.gateway.models import Found
from lakemill.gateway.protocols import Family
from lakemill.gateway.requestlog import RequestLog
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, HttpRequest, Need, Service, ServiceError, Signed
from lakemill.settings import Settings


class Access:
    """The gate. One for all services."""

    def __init__(self, identity: Identity, clock: Clock, settings: Settings, log: RequestLog) -> None:
        self._identity = identity
        self._clock = clock
        self._mode = settings.auth
        self._account = settings.account
        self._log = log

    def verify(
        self, http: HttpRequest, found: Found, body: bytes | None, path: bytes
    ) -> tuple[Principal, sigv4.Verified | None]:
        """The caller, and what their signature declares about the body. Raises ServiceError.

        body: the whole body, or None for S3, whose bodies are checked while they stream. path: the path sent, a virtual
        host's bucket in front.
        """
        if self._mode == "off":
            return self._anybody(http), None
        try:
            if found.family == "s3" and (old := sigv2.read_claim(http)) is not None:
                credential = self._identity.credential(old.access_key_id, old.session_token)
                return credential.principal, sigv2.verify(http, old, credential.secret, path, now=self._clock.time())
            if (signed := http.signed) is not None and signed.service == found.signing_name and not found.signed_later:
                credential = self._identity.credential(signed.access_key_id, signed.session_token)
                if hmac.compare_digest(signed.secret, credential.secret):
                    self._identity.uses.note(credential.principal, found.signing_name, signed.region)
                    return credential.principal, None
            claim = sigv4.read_claim(http)
            if claim is None:
                if found.family != "s3" and found.operation.auth_type != "none":
                    raise sigfaults.NotAuthenticated
                return anonymous(self._account), None
            credential = self._identity.credential(claim.access_key_id, claim.session_token)
            verified = sigv4.verify(
                http,
                claim,
                credential.secret,
                now=self._clock.time(),
                body=body,
                service=found.signing_name,
                streamed=found.streams and found.family != "s3",
            )
            if not found.signed_later:
                about = (claim.access_key_id, claim.session_token, claim.region, claim.service)
                http.signed = Signed(*about, credential.secret)
            self._identity.uses.note(credential.principal, found.signing_name, claim.region)
            return credential.principal, verified
        except (sigfaults.SignatureFault, KeyUnknown, TokenExpired, TokenInvalid) as fault:
            refusal = sigfaults.answer(fault, found.family)
            if self._mode == "on":
                raise refusal from None
            self._log.note(f"would deny: {refusal.code}: {refusal.message.splitlines()[0]}")
            return self._anybody(http), None

    def _anybody(self, http: HttpRequest) -> Principal:
        """The root of the account an unchecked access key id names."""
        account = self._account
        try:
            claim = sigv4.read_claim(http)
        except sigfaults.SignatureFault:
            claim = None
        if claim and len(claim.access_key_id) == 12 and claim.access_key_id.isdigit():
            account = claim.access_key_id
        key = claim.access_key_id if claim else None
        return Principal(
            "root", account, f"arn:aws:iam::{account}:root", account, access_key_id=key, boundary_free=True
        )

    def authorise(self, call: Call, service: Service, request: dict[str, Any], family: Family) -> None:
        """Raise AccessDenied unless every permission the call needs is allowed."""
        if call.principal.boundary_free:
            return
        needs = [need for need in service.needs(call, request) if not self._granted(call.principal, need)]
        if not needs:
            return
        context = self._context(call)
        for need in needs:
            self._allow(call, need, context, family)

    def _granted(self, principal: Principal, need: Need) -> bool:
        """Whether it needs no look at the request: root asks for what nothing can deny, or it was decided before."""
        own = need.resource_account is None or need.resource_account == principal.account
        if need.resource_policy is not None or not own:
            return False
        if principal.kind == "root":
            return not principal.session_policies
        return not need.strict and self._identity.allows_anyhow(principal, need.action, need.resource)

    def _context(self, call: Call) -> dict[str, Any]:
        http = call.http
        return self._identity.request_context(
            call.principal,
            region=call.region,
            source_ip=http.client,
            secure=http.scheme == "https",
            user_agent=http.header("user-agent"),
            referer=http.header("referer"),
        )

    def _allow(self, call: Call, need: Need, context: dict[str, Any], family: Family) -> None:
        decision = self._identity.decide(
            call.principal,
            need.action,
            need.resource,
            {**context, **need.context},
            resource_policy=need.resource_policy,
            resource_account=need.resource_account,
            strict=need.strict,
        )
        if decision.allowed:
            return
        if self._mode == "soft":
            self._log.note(f"would deny: {decision.reason}")
            return
        if family == "s3":
            raise ServiceError("AccessDenied", decision.reason or "Access Denied", status=403)
        code = "AccessDenied" if family == "query" else "AccessDeniedException"
        raise ServiceError(code, decision.reason, status=403 if family != "json" else 400)
