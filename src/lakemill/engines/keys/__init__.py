"""Keys that never leave: made, sealed under the master key, used by name."""

from lakemill.engines.keys.engine import Keys
from lakemill.engines.keys.errors import (
    AliasExists,
    AliasInvalid,
    CiphertextInvalid,
    GrantMissing,
    KeyDisabled,
    KeyMismatch,
    KeyMissing,
    KeysError,
    KeyStateInvalid,
    KeyUsageInvalid,
    MasterKeyUnfit,
)
from lakemill.engines.keys.key import DISABLED, ENABLED, PENDING, Key, Version
from lakemill.engines.keys.specs import SPECS, SYMMETRIC

__all__ = [
    "DISABLED",
    "ENABLED",
    "PENDING",
    "SPECS",
    "SYMMETRIC",
    "AliasExists",
    "AliasInvalid",
    "CiphertextInvalid",
    "GrantMissing",
    "Key",
    "KeyDisabled",
    "KeyMismatch",
    "KeyMissing",
    "KeyStateInvalid",
    "KeyUsageInvalid",
    "Keys",
    "KeysError",
    "MasterKeyUnfit",
    "Version",
]
