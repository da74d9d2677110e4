"""A warehouse's document: a resource of kind `warehouse`, whose name has its family before it (`cluster/sales`).

Members that are ours, beside those of every resource:

    id           its folder's name
    state        creating, available, modifying, resizing, rebooting, resuming, pausing, paused, idle, deleting
    wanted       whether it should run
    database, master, verifier     the first database and superuser, and what proves the superuser's password
    port         that was asked for
    listening    where it listens, or did last; 0 for nowhere yet
    parameters   defaults of a session's settings
    require_ssl  whether it takes clients without TLS
    roles, default_role            ARNs of roles it may work in the name of
    restore      the snapshot whose data it begins with, or ""
    final        the last snapshot to be made of it: {"name", "details", "tags"}, or None
    details      what the service keeps
"""

import uuid
from typing import Any

Document = dict[str, Any]
KIND, SNAPSHOT = "warehouse", "warehouse-snapshot"
CREATING, AVAILABLE, MODIFYING, RESIZING, REBOOTING = "creating", "available", "modifying", "resizing", "rebooting"
RESUMING, PAUSING, PAUSED, IDLE, DELETING = "resuming", "pausing", "paused", "idle", "deleting"
STARTING = (CREATING, MODIFYING, RESIZING, REBOOTING, RESUMING)
"""It is available once its process runs."""


def new_warehouse(
    *,
    database: str,
    master: str,
    verifier: str,
    port: int = 0,
    parameters: dict[str, str] | None = None,
    require_ssl: bool = False,
    roles: list[str] | None = None,
    default_role: str = "",
    restore: str = "",
    wanted: bool = True,
    details: Document | None = None,
) -> Document:
    """A document for `Warehouses.create`. wanted=False: it has no process until it is resumed."""
    return {
        "id": str(uuid.uuid4()),
        "state": CREATING if wanted else IDLE,
        "wanted": wanted,
        "database": database,
        "master": master,
        "verifier": verifier,
        "port": port,
        "listening": 0,
        "parameters": parameters or {},
        "require_ssl": require_ssl,
        "roles": roles or [],
        "default_role": default_role,
        "restore": restore,
        "final": None,
        "details": details or {},
    }


def label(document: Document) -> str:
    """As a log names it."""
    return f"warehouse {document['scope']}/{document['name']}"
