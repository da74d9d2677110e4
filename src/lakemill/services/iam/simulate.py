"""The policy simulator."""

from typing import Any

from lakemill.engines.identity.holders import Document
from lakemill.engines.identity.policy import Kind, PolicyMalformed, context_keys_of, fresh_policy
from lakemill.engines.identity.principal import Principal
from lakemill.engines.identity.simulation import Outcome, Setting, Sourced, simulate
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.iam.paging import page
from lakemill.services.iam.part import Part

Request = dict[str, Any]


class Simulations(Part):
    """Decisions on paper."""

    @operation("SimulateCustomPolicy", refuses=("OrderedOrganizationPolicyInputList", "ResourceHandlingOption"))
    def simulate_custom_policy(self, call: Call, request: Request) -> Request:
        caller = _caller(request.get("CallerArn"), call.account)
        policies = _inputs(request["PolicyInputList"], "PolicyInputList")
        return self._results(request, caller, policies, self._given_boundary(request))

    @operation("SimulatePrincipalPolicy", refuses=("PolicyExclusionList", "ResourceHandlingOption"))
    def simulate_principal_policy(self, call: Call, request: Request) -> Request:
        word, holder = self._source(call, request["PolicySourceArn"])
        if "CallerArn" in request and not request["CallerArn"].split(":")[5].startswith("user/"):
            raise ServiceError("InvalidInput", "CallerArn must be the ARN of a user.", status=400)
        source = request["PolicySourceArn"] if word == "user" else None
        caller = _caller(request.get("CallerArn") or source, call.account)
        policies = [*self._held(call, word, holder), *_inputs(request.get("PolicyInputList", []), "PolicyInputList")]
        boundary = self._given_boundary(request)
        if boundary is None and (arn := holder.get("boundary")):
            text = self._identity.policies.default_text(arn)
            boundary = [] if text is None else [Sourced(_name(arn), _kind(arn), fresh_policy(text))]
        return self._results(request, caller, policies, boundary)

    @operation("GetContextKeysForCustomPolicy")
    def get_context_keys_for_custom_policy(self, call: Call, request: Request) -> Request:
        policies = _inputs(request["PolicyInputList"], "PolicyInputList")
        return {"ContextKeyNames": sorted(context_keys_of(one.policy for one in policies).values())}

    @operation("GetContextKeysForPrincipalPolicy")
    def get_context_keys_for_principal_policy(self, call: Call, request: Request) -> Request:
        held = self._held(call, *self._source(call, request["PolicySourceArn"]))
        policies = [*held, *_inputs(request.get("PolicyInputList", []), "PolicyInputList")]
        return {"ContextKeyNames": sorted(context_keys_of(one.policy for one in policies).values())}

    def _source(self, call: Call, arn: str) -> tuple[str, Document]:
        """(user | group | role, document) of an ARN."""
        resource = arn.split(":", 5)[-1]
        word, _, rest = resource.partition("/")
        if word not in ("user", "group", "role") or not rest:
            message = f"Invalid Entity Arn: {arn} does not clearly define entity type and name."
            raise ServiceError("InvalidInput", message, status=400)
        return word, getattr(self._identity, f"{word}s").named(call.account, rest.rpartition("/")[2])

    def _held(self, call: Call, word: str, holder: Document) -> list[Sourced]:
        """The policies of a user (with those of its groups), group or role."""
        found = self._own(word, holder)
        if word == "user":
            for group in self._identity.groups.of(call.account, holder["name"]):
                found += self._own("group", group)
        return found

    def _own(self, word: str, holder: Document) -> list[Sourced]:
        found = [
            Sourced(f"{word}_{holder['name']}_{name}", word, fresh_policy(text))
            for name, text in holder["inline"].items()
        ]
        for arn in holder["attached"]:
            text = self._identity.policies.default_text(arn)
            if text is not None:
                found.append(Sourced(_name(arn), _kind(arn), fresh_policy(text)))
        return found

    @staticmethod
    def _given_boundary(request: Request) -> list[Sourced] | None:
        if "PermissionsBoundaryPolicyInputList" not in request:
            return None
        return _inputs(request["PermissionsBoundaryPolicyInputList"], "PermissionsBoundaryPolicyInputList")

    @staticmethod
    def _results(
        request: Request, caller: Principal, policies: list[Sourced], boundary: list[Sourced] | None
    ) -> Request:
        resource = None
        if "ResourcePolicy" in request:
            resource = _inputs([request["ResourcePolicy"]], "ResourcePolicy", kind="resource")[0]
        owner = request.get("ResourceOwner")
        setting = Setting(
            caller,
            policies,
            boundary,
            resource,
            owner.split(":")[4] if owner and ":" in owner else owner,
            {entry["ContextKeyName"]: entry["ContextKeyValues"] for entry in request.get("ContextEntries", ())},
        )
        pairs = [(action, arn) for action in request["ActionNames"] for arn in request.get("ResourceArns") or ["*"]]
        return page(
            enumerate(pairs),
            request,
            "EvaluationResults",
            lambda one: f"{one[0]:06d}",
            lambda one: _result(simulate(setting, *one[1])),
        )


def _caller(arn: str | None, account: str) -> Principal:
    """Who is imagined to call; somebody of the account when nobody is named."""
    if arn is None:
        return Principal("user", account, f"arn:aws:iam::{account}:user/simulated", "", "simulated")
    parts = arn.split(":")
    if len(parts) < 6:
        raise ServiceError("InvalidInput", f"{arn} is not an ARN.", status=400)
    return Principal("user", parts[4], arn, "", arn.rpartition("/")[2])


def _inputs(texts: list[str], member: str, kind: Kind = "identity") -> list[Sourced]:
    """Policies handed in, named by their place: `PolicyInputList.1`."""
    source_kind = "resource" if kind == "resource" else "none"
    try:
        return [
            Sourced(f"{member}.{number}", source_kind, fresh_policy(text, kind))
            for number, text in enumerate(texts, start=1)
        ]
    except PolicyMalformed as error:
        raise ServiceError("InvalidInput", str(error), status=400) from error


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def _kind(arn: str) -> str:
    return "aws-managed" if arn.split(":")[4] == "aws" else "user-managed"


def _result(outcome: Outcome) -> Request:
    matched = [{"SourcePolicyId": source, "SourcePolicyType": kind} for source, kind in outcome.matched]
    shape: Request = {
        "EvalActionName": outcome.action,
        "EvalResourceName": outcome.resource,
        "EvalDecision": outcome.decision,
        "MatchedStatements": matched,
        "MissingContextValues": outcome.missing,
    }
    if outcome.boundary_allows is not None:
        shape["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": outcome.boundary_allows}
    return shape
