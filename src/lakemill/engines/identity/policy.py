"""Policy documents: the grammar, and policies made ready for decisions.

A document is {"Version": "2012-10-17" | "2008-10-17", "Id": ..., "Statement": one or a list of statements}. A
statement has Effect (Allow or Deny), Action or NotAction, Resource or NotResource, perhaps Sid and Condition; in the
policies of resources and roles also Principal or NotPrincipal. Documents without a version are of 2008 and know no
variables. Texts of errors are IAM's.
"""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from lakemill.engines.identity.conditions import Condition, Context, conditions_of
from lakemill.engines.identity.errors import PolicyMalformed
from lakemill.engines.identity.patterns import ArnPattern, glob
from lakemill.engines.identity.principals import Principals

Kind = Literal["identity", "resource", "trust"]
"""Attached to an identity (or a session, or a boundary); a resource's own; a role's trust."""

VERSIONS = ("2012-10-17", "2008-10-17")
SYNTAX = "Syntax errors in policy."
MEMO_MAX = 2048

_FIELDS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"}
_ACTION = re.compile(r"(?:\*|[A-Za-z0-9-]+):[^:]*")
_SID = re.compile(r"[0-9A-Za-z]*")


class Statement:
    """One statement, ready."""

    __slots__ = ("_actions", "_not_action", "_not_principal", "_not_resource", "allow", "conditions", "principals",
                 "resources", "sid")  # fmt: skip

    def __init__(self, fields: Mapping[str, Any], *, variables: bool) -> None:
        self.sid: str | None = fields.get("Sid")
        self.allow = fields["Effect"] == "Allow"
        self._not_action = "NotAction" in fields
        actions = listed(fields["NotAction" if self._not_action else "Action"])
        self._actions = re.compile("|".join(f"(?:{glob(action)})" for action in actions), re.IGNORECASE | re.DOTALL)
        self._not_resource = "NotResource" in fields
        resources = fields.get("NotResource" if self._not_resource else "Resource")
        self.resources = None
        if resources is not None:
            self.resources = [ArnPattern(resource, variables=variables) for resource in listed(resources)]
        self._not_principal = "NotPrincipal" in fields
        principals = fields.get("NotPrincipal" if self._not_principal else "Principal")
        self.principals = None if principals is None else Principals(principals)
        self.conditions: tuple[Condition, ...] = conditions_of(fields.get("Condition", {}), variables=variables)

    def covers_action(self, action: str) -> bool:
        return (self._actions.fullmatch(action) is not None) is not self._not_action

    def covers_resource(self, resource: str, context: Context) -> bool:
        if self.resources is None:
            return True
        matched = any(pattern.matches(resource, context) for pattern in self.resources)
        return matched is not self._not_resource

    def standing(self, principal: Any) -> int:
        """How the statement means this principal: one of the levels of principals.py, NOBODY if it does not."""
        if self.principals is None:
            return Principals.EVERYBODY
        level = self.principals.level(principal)
        if self._not_principal:
            return Principals.NOBODY if level else Principals.EVERYBODY
        return level

    def holds(self, context: Context) -> bool:
        return all([condition.holds(context) for condition in self.conditions])


class Policy:
    """A document made ready."""

    __slots__ = ("_memo", "statements")

    def __init__(self, statements: list[Statement]) -> None:
        self.statements = statements
        self._memo: dict[str, list[Statement]] = {}

    def about(self, action: str) -> list[Statement]:
        """The statements that speak of this action."""
        found = self._memo.get(action)
        if found is None:
            if len(self._memo) >= MEMO_MAX:
                self._memo.clear()
            found = self._memo[action] = [one for one in self.statements if one.covers_action(action)]
        return found

    def asks_context(self, action: str) -> bool:
        """Whether what it says of an action hangs on more than action and resource: on conditions or variables."""
        return any(
            one.conditions or any(pattern.variables for pattern in one.resources or ()) for one in self.about(action)
        )

    def context_keys(self) -> dict[str, str]:
        """Condition keys its conditions and variables ask for: in lower case -> as written."""
        written: list[str] = []
        for statement in self.statements:
            for condition in statement.conditions:
                written += [condition.written, *condition.variables]
            for pattern in statement.resources or ():
                written += pattern.variables
        return {key.lower(): key for key in written}


def compile_policy(document: str | Mapping[str, Any], kind: Kind = "identity") -> Policy:
    """The policy of a document (text or parsed), checked against the grammar; remembered, so asking again is cheap.

    Raises PolicyMalformed.
    """
    if isinstance(document, str):
        return _compiled(document, kind)
    return _compiled_packed(msgspec.msgpack.encode(document), kind)


def fresh_policy(text: str, kind: Kind = "identity") -> Policy:
    """A policy that shares nothing with another of the same text, so that its statements tell where they came from."""
    return _compile(parse(text), kind)


@functools.lru_cache(maxsize=4096)
def _compiled(text: str, kind: Kind) -> Policy:
    return _compile(parse(text), kind)


@functools.lru_cache(maxsize=4096)
def _compiled_packed(packed: bytes, kind: Kind) -> Policy:
    return _compile(msgspec.msgpack.decode(packed), kind)


def parse(text: str) -> dict[str, Any]:
    """The JSON of a document. A name that comes twice is an error: one of the two would silently not count."""
    try:
        document = json.loads(text, object_pairs_hook=_unique)
    except ValueError as error:
        raise PolicyMalformed("This policy contains invalid Json") from error
    if not isinstance(document, dict):
        raise PolicyMalformed(SYNTAX)
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _compile(document: Any, kind: Kind) -> Policy:
    check(document, kind)
    variables = document.get("Version") == VERSIONS[0]
    return Policy([Statement(fields, variables=variables) for fields in statements_of(document)])


def statements_of(document: Mapping[str, Any]) -> list[Any]:
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# The grammar


def check(document: Any, kind: Kind) -> None:
    """Raise PolicyMalformed unless the document is by the grammar of its kind."""
    if not isinstance(document, Mapping) or not set(document) <= {"Version", "Id", "Statement"}:
        raise PolicyMalformed(SYNTAX)
    if "Version" in document and document["Version"] not in VERSIONS:
        raise PolicyMalformed("The policy must contain a valid version string")
    if not isinstance(document.get("Id", ""), str) or not isinstance(document.get("Statement"), (Mapping, list)):
        raise PolicyMalformed(SYNTAX)
    statements = statements_of(document)
    if not statements:
        raise PolicyMalformed(SYNTAX)
    for statement in statements:
        _check_statement(statement, kind)
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(sids) != len(set(sids)):
        raise PolicyMalformed("Statement IDs (SID) in a single policy must be unique.")


def _check_statement(statement: Any, kind: Kind) -> None:
    if not isinstance(statement, Mapping) or not set(statement) <= _FIELDS:
        raise PolicyMalformed(SYNTAX)
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise PolicyMalformed(SYNTAX)
    for one, other in (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")):
        if one in statement and other in statement:
            raise PolicyMalformed(SYNTAX)
    sid = statement.get("Sid", "")
    if not isinstance(sid, str) or (kind != "resource" and not _SID.fullmatch(sid)):
        raise PolicyMalformed(
            "Statement IDs (SID) must be alpha-numeric. "
            "Check that your input satisfies the regular expression [0-9A-Za-z]*"
        )
    _check_actions(statement, kind)
    _check_resources(statement, kind)
    _check_principals(statement, kind)
    conditions_of(statement.get("Condition", {}), variables=False)


def _texts(value: Any, complaint: str) -> list[str]:
    texts = listed(value)
    if not texts or not all(isinstance(text, str) for text in texts):
        raise PolicyMalformed(complaint)
    return texts


def _check_actions(statement: Mapping[str, Any], kind: Kind) -> None:
    value = statement.get("Action", statement.get("NotAction"))
    if value is None or value == []:
        raise PolicyMalformed("Policy statement must contain actions.")
    for action in _texts(value, SYNTAX):
        if action != "*" and not _ACTION.fullmatch(action):
            if action.count(":") > 1:
                raise PolicyMalformed("Actions/Condition can contain only one colon.")
            if ":" in action:
                raise PolicyMalformed(f"Vendor {action.partition(':')[0]} is not valid")
            raise PolicyMalformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
        if kind == "trust" and not action.lower().startswith("sts:"):
            raise PolicyMalformed("AssumeRole policy may only specify STS AssumeRole actions.")


def _check_resources(statement: Mapping[str, Any], kind: Kind) -> None:
    value = statement.get("Resource", statement.get("NotResource"))
    if kind == "trust":
        if value is not None:
            raise PolicyMalformed("Has prohibited field Resource")
        return
    if value is None or value == []:
        raise PolicyMalformed("Policy statement must contain resources.")
    for resource in _texts(value, SYNTAX):
        if not resource.startswith("arn:") and set(resource) != {"*"}:
            raise PolicyMalformed(f'Resource {resource} must be in ARN format or "*".')


def _check_principals(statement: Mapping[str, Any], kind: Kind) -> None:
    has = "Principal" in statement or "NotPrincipal" in statement
    if kind == "identity":
        if has:
            raise PolicyMalformed("Policy document should not specify a principal.")
        return
    if not has:
        raise PolicyMalformed("Missing required field Principal")
    if kind == "trust" and "NotPrincipal" in statement and statement["Effect"] == "Allow":
        raise PolicyMalformed("Allow with NotPrincipal is not allowed.")
    Principals(statement.get("Principal", statement.get("NotPrincipal")))


def size(text: str) -> int:
    """Characters of a document as quotas count them: without white space."""
    return sum(not character.isspace() for character in text)


def context_keys_of(policies: Iterable[Policy]) -> dict[str, str]:
    """The condition keys of several policies: in lower case -> as written."""
    return {lower: key for policy in policies for lower, key in policy.context_keys().items()}
