"""From policies to a decision, in the order AWS documents.

1. An explicit Deny in any policy that applies: no.
2. The resource's policy allows this very user, session or service: yes, whatever boundary and session leave out.
3. The identity's policies, or the resource's policy for everybody or for the role, must allow. A resource's policy
   that names only the account leaves the decision to the identity's policies.
4. A boundary, if there is one, must allow; so must the session's policies, if it has any.
Across accounts both sides must allow. Where the resource's policy has the last word (`strict`: role trust, key
policies) it must allow in any case. An account's root may do everything but what a resource's policy denies.
"""

from collections.abc import Iterable

import msgspec

from lakemill.engines.identity.conditions import Context
from lakemill.engines.identity.policy import Policy, Statement
from lakemill.engines.identity.principal import Principal
from lakemill.engines.identity.principals import Principals

IDENTITY, RESOURCE, BOUNDARY, SESSION, TRUST = (
    "identity-based policy",
    "resource-based policy",
    "permissions boundary",
    "session policy",
    "role trust policy",
)


class Decision(msgspec.Struct, frozen=True):
    """allowed, and if not, the reason in AWS's words."""

    allowed: bool
    reason: str = ""
    explicit: bool = False
    """A statement denied it (rather than none allowing it)."""
    policy_type: str = ""
    """The kind of policy that decided."""


ALLOWED = Decision(True)


class Question(msgspec.Struct):
    """May this principal do this to that?"""

    principal: Principal
    action: str
    resource: str
    context: Context
    matched: list[tuple[str, Statement]] | None = None
    """Filled with (policy type, statement) of all that apply, when it is a list."""


class Standing(msgspec.Struct, frozen=True):
    """The policies that speak for or against a principal, whatever it does."""

    identity: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None

    def asks_context(self, action: str) -> bool:
        """Whether these policies may say something else of an action and a resource at another time."""
        policies = (*self.identity, *(self.boundary or ()), *(self.session or ()))
        return any(policy.asks_context(action) for policy in policies)


class _Effect(msgspec.Struct):
    denied: bool = False
    level: int = Principals.NOBODY
    """The nearest level somebody allowed it at."""


def _effect(question: Question, policies: Iterable[Policy], policy_type: str) -> _Effect:
    effect = _Effect()
    for policy in policies:
        for statement in policy.about(question.action):
            if not statement.covers_resource(question.resource, question.context):
                continue
            level = statement.standing(question.principal)
            if not level or not statement.holds(question.context):
                continue
            if question.matched is not None:
                question.matched.append((policy_type, statement))
            if statement.allow:
                effect.level = max(effect.level, level)
            else:
                effect.denied = True
                if question.matched is None:
                    return effect
    return effect


def evaluate(
    question: Question,
    standing: Standing,
    resource_policy: Policy | None = None,
    *,
    cross_account: bool = False,
    strict: bool = False,
    resource_type: str = RESOURCE,
) -> Decision:
    """Decide. `standing` holds the caller's policies, `resource_policy` the resource's own."""
    own = _effect(question, (resource_policy,), resource_type) if resource_policy is not None else _Effect()
    if question.principal.kind in ("anonymous", "service"):
        return _outsider(question, own, resource_type)
    if question.principal.kind == "root" and standing.session is None:
        return _root(question, own, resource_type, cross_account or strict)
    identity = _effect(question, standing.identity, IDENTITY)
    boundary = None if standing.boundary is None else _effect(question, standing.boundary, BOUNDARY)
    session = None if standing.session is None else _effect(question, standing.session, SESSION)
    for effect, kind in ((identity, IDENTITY), (own, resource_type), (boundary, BOUNDARY), (session, SESSION)):
        if effect is not None and effect.denied:
            return _denied(question, kind, explicit=True)
    if (cross_account or strict) and not own.level:
        return _denied(question, resource_type)
    if own.level == Principals.DIRECT and not cross_account:
        return ALLOWED
    if not identity.level and (cross_account or own.level < Principals.EVERYBODY):
        return _denied(question, IDENTITY)
    if boundary is not None and not boundary.level:
        return _denied(question, BOUNDARY)
    if session is not None and not session.level:
        return _denied(question, SESSION)
    return ALLOWED


def _outsider(question: Question, own: _Effect, resource_type: str) -> Decision:
    """Nobody in particular, or a service: only the resource's policy speaks."""
    if own.denied or own.level < Principals.EVERYBODY:
        return _denied(question, resource_type, explicit=own.denied)
    return ALLOWED


def _root(question: Question, own: _Effect, resource_type: str, must_allow: bool) -> Decision:
    if own.denied or (must_allow and not own.level):
        return _denied(question, resource_type, explicit=own.denied)
    return ALLOWED


def _denied(question: Question, policy_type: str, *, explicit: bool = False) -> Decision:
    return Decision(
        False, denial(question.principal, question.action, question.resource, policy_type, explicit=explicit),
        explicit, policy_type,
    )  # fmt: skip


def denial(principal: Principal, action: str, resource: str, policy_type: str = "", *, explicit: bool = False) -> str:
    """AWS's AccessDenied text."""
    who = "anonymous" if principal.kind == "anonymous" else principal.arn
    said = f"User: {who} is not authorized to perform: {action} on resource: {resource}"
    if explicit:
        return f"{said} with an explicit deny in {'an' if policy_type[0] in 'aeiou' else 'a'} {policy_type}"
    return f"{said} because no {policy_type} allows the {action} action" if policy_type else said
