"""A key as others see it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from lakemill.engines.keys.specs import SPECS, SYMMETRIC, Spec

ENABLED, DISABLED, PENDING = "Enabled", "Disabled", "PendingDeletion"
"""States."""


@dataclasses.dataclass(frozen=True)
class Version:
    """One version of a key's material. sealed: under the master key; empty for material derived from it."""

    number: int
    id: str
    """64 hexadecimal digits."""
    created_s: float
    sealed: bytes
    on_demand: bool = False
    """Made because somebody asked, not because it was time."""


@dataclasses.dataclass(frozen=True)
class Key:
    """Without its secret."""

    scope: str
    id: str
    """A UUID."""
    spec_name: str = SYMMETRIC
    usage: str = "ENCRYPT_DECRYPT"
    state: str = ENABLED
    description: str = ""
    created_s: float = 0.0
    policy: str = ""
    """Who may use it: a policy document, as text."""
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)
    deletion_s: float | None = None
    """When it will be gone, while it is pending."""
    window_days: int | None = None
    rotation_days: int | None = None
    """Days between two versions; None: never by itself."""
    rotated_s: float = 0.0
    """When the days of rotation began to count."""
    managed_for: str = ""
    """The service this key was made for by the platform; empty for people's own."""
    versions: tuple[Version, ...] = ()
    """Oldest first; the last one encrypts."""

    @property
    def spec(self) -> Spec:
        return SPECS[self.spec_name]

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What it can be used with."""
        return self.spec.usages[self.usage]

    @property
    def next_rotation_s(self) -> float | None:
        return None if self.rotation_days is None else self.rotated_s + self.rotation_days * 86_400

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Key":
        """From its document."""
        versions = tuple(Version(**version) for version in document["versions"])
        return cls(**{**document, "versions": versions})

    def document(self) -> dict[str, Any]:
        """Plain data."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return fields | {
            "versions": [dataclasses.asdict(version) for version in self.versions],
            "tags": dict(self.tags),
        }
