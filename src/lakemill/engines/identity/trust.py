"""Whom a role trusts.

The users and roles a trust policy names are remembered with their unique ids when the policy is saved. One that is
deleted later, and made anew under the same name, is another: the policy then shows the old id and trusts nobody by it.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from lakemill.engines.identity.errors import PolicyMalformed, QuotaReached
from lakemill.engines.identity.policy import compile_policy, listed, parse, size, statements_of
from lakemill.engines.identity.store import ACCOUNTS, ROLES, USERS, entity_key

TRUST_BYTES_MAX = 2048

_ENTITY = re.compile(r"arn:aws:iam::(\d{12}):(user|role)/(?:.*/)?([^/]+)")


def pinned(reader: Any, text: str) -> dict[str, str]:
    """The ids behind the users and roles that a trust policy names.

    Accounts that are not kept here cannot be looked into; their names stand as they are.
    Raises PolicyMalformed (also for users and roles that are not there), QuotaReached.
    """
    compile_policy(text, "trust")
    if size(text) > TRUST_BYTES_MAX:
        raise QuotaReached(f"Cannot exceed quota for ACLSizePerRole: {TRUST_BYTES_MAX}")
    pins = {}
    for arn in _named(parse(text)):
        match = _ENTITY.fullmatch(arn)
        if match is None or reader.get(ACCOUNTS, match[1]) is None:
            continue
        found = _id_of(reader, arn)
        if found is None:
            raise PolicyMalformed(f'Invalid principal in policy: "AWS":"{arn}"')
        pins[arn] = found
    return pins


def effective(reader: Any, text: str, pins: dict[str, str]) -> str:
    """The trust policy as it stands now: names whose bearer is gone replaced by the bearer's id."""
    gone = {arn: held for arn, held in pins.items() if _id_of(reader, arn) != held}
    if not gone:
        return text
    document = parse(text)
    for statement in statements_of(document):
        for field in ("Principal", "NotPrincipal"):
            principal = statement.get(field)
            if isinstance(principal, dict) and "AWS" in principal:
                principal["AWS"] = [gone.get(arn, arn) for arn in listed(principal["AWS"])]
    return json.dumps(document)


def _named(document: dict[str, Any]) -> Iterator[str]:
    for statement in statements_of(document):
        principal = statement.get("Principal", statement.get("NotPrincipal"))
        if isinstance(principal, dict):
            yield from listed(principal.get("AWS", []))


def _id_of(reader: Any, arn: str) -> str | None:
    match = _ENTITY.fullmatch(arn)
    if match is None:
        return None
    account, word, name = match.groups()
    entity = reader.get(USERS if word == "user" else ROLES, entity_key(account, name))
    if entity is None or arn != f"arn:aws:iam::{account}:{word}{entity['path']}{entity['name']}":
        return None
    found: str = entity["id"]
    return found
