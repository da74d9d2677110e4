"""What can go wrong with identities.

IdentityError
    CredentialError       a key does not let anybody in
        KeyUnknown        no such access key, or it is switched off
        TokenExpired      the session of this key is over
        TokenInvalid      the session token is missing, or not the key's
    RoleRefused           a service or caller may not take this role
    EntityMissing         no such user, group, role, policy ...
    EntityExists          a user, group, role ... of that name is there
    EntityInUse           it cannot be deleted while something hangs on it
    QuotaReached          one more would be too many
    EntityProtected       a service-linked role, or a policy that is not ours to change
    InputInvalid          an argument makes no sense here
    ValueInvalid          a value is outside its range or pattern
    PolicyMalformed       a policy document is not by the grammar
    PolicyNotAttachable   this managed policy may not be attached there
    PolicyTooLarge        a session's policies and tags do not fit
"""


class IdentityError(Exception):
    """Base of all."""


class CredentialError(IdentityError):
    """Base of what is wrong with a key. access_key_id: the key."""


class KeyUnknown(CredentialError):
    """access_key_id: the key asked for."""

    def __init__(self, access_key_id: str) -> None:
        super().__init__(f"no access key {access_key_id}, or it is not active")
        self.access_key_id = access_key_id


class TokenExpired(CredentialError):
    """access_key_id: the key whose session is over."""

    def __init__(self, access_key_id: str) -> None:
        super().__init__(f"the session of {access_key_id} is over")
        self.access_key_id = access_key_id


class TokenInvalid(CredentialError):
    """access_key_id: the key whose token is missing or wrong."""

    def __init__(self, access_key_id: str) -> None:
        super().__init__(f"the session token of {access_key_id} is missing or wrong")
        self.access_key_id = access_key_id


class RoleRefused(IdentityError):
    """role_arn, taker (a service principal or a caller's ARN)."""

    def __init__(self, role_arn: str, taker: str, message: str) -> None:
        super().__init__(message)
        self.role_arn, self.taker = role_arn, taker


class EntityMissing(IdentityError):
    """Text is AWS's."""


class EntityExists(IdentityError):
    """Text is AWS's."""


class EntityInUse(IdentityError):
    """Text says what still hangs on it."""


class QuotaReached(IdentityError):
    """Text says which quota."""


class EntityProtected(IdentityError):
    """Text says why."""


class InputInvalid(IdentityError):
    """Text says which argument and what it must be."""


class ValueInvalid(IdentityError):
    """A value outside the allowed range or pattern; text is AWS's validation sentence."""


class PolicyMalformed(IdentityError):
    """Text is AWS's for MalformedPolicyDocument."""


class PolicyNotAttachable(IdentityError):
    """Text says why."""


class PolicyTooLarge(IdentityError):
    """Text says by how much."""
