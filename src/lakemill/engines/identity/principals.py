"""The Principal of a statement: whom it means, and how directly.

Forms: `"*"`; `{"AWS": "*" | "123456789012" | an ARN | an id such as AROA...}`; `{"Service":
"sagemaker.amazonaws.com"}`; `{"Federated": ...}`; `{"CanonicalUser": ...}`; texts or lists of them. Wild cards inside
an ARN are not allowed.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from lakemill.engines.identity.errors import PolicyMalformed
from lakemill.engines.identity.principal import Principal

_ACCOUNT = re.compile(r"\d{12}")
_ROOT = re.compile(r"arn:aws:iam::(\d{12}):root")
_ARN = re.compile(r"arn:aws:(?:iam|sts)::\d{12}:(?:user|role|assumed-role|federated-user)/[^*?]+")
_ID = re.compile(r"A(?:RO|ID)A[A-Z0-9]{12,}")
KINDS = ("AWS", "Service", "Federated", "CanonicalUser")


def canonical_id(account: str) -> str:
    """The canonical user id of an account: 64 hex digits, as S3 shows owners."""
    return hashlib.sha256(f"canonical user of {account}".encode()).hexdigest()


class Principals:
    """Whom a statement means. Levels, from far to near; an allowance at the nearest needs nothing else."""

    NOBODY: ClassVar[int] = 0
    ACCOUNT: ClassVar[int] = 1
    """The whole account: its own policies decide about the caller."""
    EVERYBODY: ClassVar[int] = 2
    ROLE: ClassVar[int] = 3
    """The role behind a session; its boundary and the session's policies still narrow it."""
    DIRECT: ClassVar[int] = 4
    """This very user, session, service or root."""

    __slots__ = ("accounts", "arns", "everybody", "federated", "ids", "services")

    def __init__(self, value: Any) -> None:
        self.everybody = False
        self.accounts: set[str] = set()
        self.arns: set[str] = set()
        self.ids: set[str] = set()
        self.services: set[str] = set()
        self.federated: set[str] = set()
        if value == "*":
            self.everybody = True
            return
        if not isinstance(value, Mapping) or not value or not set(value) <= set(KINDS):
            raise PolicyMalformed(f"Invalid principal in policy: {value}")
        for kind, texts in value.items():
            for text in texts if isinstance(texts, list) else [texts]:
                self._add(kind, text)

    def _add(self, kind: str, text: Any) -> None:
        if not isinstance(text, str) or not text:
            raise PolicyMalformed(f'Invalid principal in policy: "{kind}":"{text}"')
        if kind == "Service":
            self.services.add(text.lower())
        elif kind == "Federated":
            self.federated.add(text)
        elif kind == "CanonicalUser":
            self.ids.add(text)
        elif text == "*":
            self.everybody = True
        elif _ACCOUNT.fullmatch(text):
            self.accounts.add(text)
        elif match := _ROOT.fullmatch(text):
            self.accounts.add(match[1])
        elif _ARN.fullmatch(text):
            self.arns.add(text)
        elif _ID.fullmatch(text):
            self.ids.add(text)
        else:
            raise PolicyMalformed(f'Invalid principal in policy: "{kind}":"{text}"')

    def level(self, principal: Principal) -> int:
        """How near the principal is meant."""
        if principal.kind == "service":
            return self.DIRECT if principal.name in self.services else self.EVERYBODY if self.everybody else self.NOBODY
        if principal.kind == "anonymous":
            return self.EVERYBODY if self.everybody else self.NOBODY
        named = principal.arn in self.arns
        if named or (principal.kind == "user" and principal.user_id in self.ids):
            return self.DIRECT
        if principal.kind == "role" and (
            principal.role_arn in self.arns or principal.user_id.partition(":")[0] in self.ids
        ):
            return self.ROLE
        if self.everybody:
            return self.EVERYBODY
        if principal.account in self.accounts or (self.ids and canonical_id(principal.account) in self.ids):
            return self.DIRECT if principal.kind == "root" else self.ACCOUNT
        return self.NOBODY
