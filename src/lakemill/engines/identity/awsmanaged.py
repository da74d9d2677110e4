"""The managed policies of the account `aws` that come with lakemill: awsmanaged.json, written for it.

They have the effect of AWS's policies of the same names on the services lakemill has, in fewer words. A policy is its
name (with its path), a description and statements.
"""

import json
from pathlib import Path
from typing import Any

CREATED_S = 1_420_070_400.0
"""Creation time they all show: 2015-01-01."""


def _document(number: int, full_name: str, shipped: dict[str, Any]) -> dict[str, Any]:
    folder, _, name = full_name.rpartition("/")
    text = json.dumps({"Version": "2012-10-17", "Statement": shipped["Statement"]})
    return {
        "id": f"ANPAAWSMANAGED{number:07d}",
        "name": name,
        "path": f"/{folder}/" if folder else "/",
        "description": shipped["Description"],
        "created": CREATED_S,
        "updated": CREATED_S,
        "tags": {},
        "default": "v1",
        "next": 2,
        "versions": {"v1": {"text": text, "created": CREATED_S}},
    }


def _load() -> dict[str, dict[str, Any]]:
    shipped = json.loads((Path(__file__).parent / "awsmanaged.json").read_text())
    return {
        f"arn:aws:iam::aws:policy/{full_name}": _document(number, full_name, policy)
        for number, (full_name, policy) in enumerate(shipped.items(), start=1)
    }


AWS_POLICIES: dict[str, dict[str, Any]] = _load()
"""By ARN, in the form of managed.py's documents."""
