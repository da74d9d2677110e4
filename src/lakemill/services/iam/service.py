"""The service: its parts, its permissions, its errors."""

from typing import Any, ClassVar

from lakemill.engines.identity import Identity
from lakemill.engines.identity.errors import (
    EntityExists,
    EntityInUse,
    EntityMissing,
    EntityProtected,
    InputInvalid,
    PolicyMalformed,
    PolicyNotAttachable,
    QuotaReached,
    ValueInvalid,
)
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, Need, Service
from lakemill.services.iam import permissions
from lakemill.services.iam.account import Account
from lakemill.services.iam.holders import bounds_and_tags_of, policies_of
from lakemill.services.iam.keys import Keys
from lakemill.services.iam.policies import Policies
from lakemill.services.iam.roles import Profiles, Roles
from lakemill.services.iam.simulate import Simulations
from lakemill.services.iam.users import Groups, Users

PARTS = (
    Users,
    Groups,
    Keys,
    Roles,
    Profiles,
    Policies,
    Account,
    Simulations,
    policies_of("User", "users"),
    policies_of("Group", "groups"),
    policies_of("Role", "roles"),
    bounds_and_tags_of("User", "users"),
    bounds_and_tags_of("Role", "roles"),
)


class Iam(Service):
    """boto3 client `iam`. Its operations stand in the parts."""

    name: ClassVar[str] = "iam"
    errors: ClassVar = {
        EntityMissing: "NoSuchEntity",
        EntityExists: "EntityAlreadyExists",
        EntityInUse: "DeleteConflict",
        EntityProtected: "UnmodifiableEntity",
        QuotaReached: "LimitExceeded",
        PolicyMalformed: "MalformedPolicyDocument",
        PolicyNotAttachable: "PolicyNotAttachable",
        InputInvalid: "InvalidInput",
        ValueInvalid: "ValidationError",
    }

    def __init__(self, identity: Identity, clock: Clock) -> None:
        self._identity = identity
        self.parts = [part(identity, clock) for part in PARTS]

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        return permissions.needs(self._identity, call, request)
