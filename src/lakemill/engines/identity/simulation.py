"""What would be decided: the evaluation run on paper, with its traces."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from lakemill.engines.identity.conditions import Context
from lakemill.engines.identity.evaluation import Question, Standing, evaluate
from lakemill.engines.identity.policy import Policy, context_keys_of
from lakemill.engines.identity.principal import Principal


@dataclasses.dataclass(frozen=True)
class Sourced:
    """A policy and where it comes from. kind: user, group, role, aws-managed, user-managed, resource, none."""

    source: str
    kind: str
    policy: Policy


@dataclasses.dataclass(frozen=True)
class Setting:
    """Everything a simulation takes as given."""

    principal: Principal
    identity: Sequence[Sourced]
    boundary: Sequence[Sourced] | None = None
    resource: Sourced | None = None
    resource_account: str | None = None
    context: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """decision: allowed, explicitDeny or implicitDeny. matched: (source, kind) of the statements that decided."""

    action: str
    resource: str
    decision: str
    matched: list[tuple[str, str]]
    missing: list[str]
    boundary_allows: bool | None


def simulate(setting: Setting, action: str, resource: str) -> Outcome:
    """Decide as it would be decided, and say by what."""
    context = Context(setting.context)
    question = Question(setting.principal, action, resource, context, matched=[])
    boundary = None if setting.boundary is None else tuple(one.policy for one in setting.boundary)
    standing = Standing(tuple(one.policy for one in setting.identity), boundary)
    crossing = setting.resource_account is not None and setting.resource_account != setting.principal.account
    own = None if setting.resource is None else setting.resource.policy
    decision = evaluate(question, standing, own, cross_account=crossing)
    word = "allowed" if decision.allowed else "explicitDeny" if decision.explicit else "implicitDeny"
    return Outcome(
        action, resource, word, _sources(setting, question), _missing(setting, context), _bounded(setting, question)
    )


def _everything(setting: Setting) -> list[Sourced]:
    return [*setting.identity, *(setting.boundary or ()), *([setting.resource] if setting.resource else [])]


def _sources(setting: Setting, question: Question) -> list[tuple[str, str]]:
    origin = {
        id(statement): (one.source, one.kind) for one in _everything(setting) for statement in one.policy.statements
    }
    matched = question.matched or []
    denying = [statement for _, statement in matched if not statement.allow]
    deciding = denying or [statement for _, statement in matched]
    return list(dict.fromkeys(origin[id(statement)] for statement in deciding))


def _missing(setting: Setting, context: Context) -> list[str]:
    written = context_keys_of(one.policy for one in _everything(setting))
    return sorted(written[key] for key in context.missing)


def _bounded(setting: Setting, question: Question) -> bool | None:
    if setting.boundary is None:
        return None
    own = {id(statement) for one in setting.boundary for statement in one.policy.statements}
    found = [statement.allow for _, statement in question.matched or [] if id(statement) in own]
    return bool(found) and all(found)
