"""Parameters of a workgroup: which there are, and what sessions make of them."""

import re
from typing import Any

from lakemill.services.redshift_serverless.errors import invalid

BOOLEANS = ("enable_case_sensitive_identifier", "require_ssl")
DEFAULTS = {
    "datestyle": "ISO, MDY",
    "enable_case_sensitive_identifier": "false",
    "query_group": "default",
    "require_ssl": "false",
    "search_path": "$user, public",
    "max_query_execution_time": "14400",
}
REFUSED = {
    "auto_mv": "materialized views are not made by themselves",
    "enable_user_activity_logging": "there are no audit logs",
    "use_fips_ssl": "there is no such library",
}
FIXED = {
    "datestyle": "dates are read and shown in that form",
}
EXECUTION_S_MAX = 86399
Document = dict[str, Any]


def checked(given: list[Document]) -> dict[str, str]:
    """Parameters as a dict. Raises ValidationException."""
    found = {}
    for one in given:
        name, value = one.get("parameterKey", ""), one.get("parameterValue", "")
        if name in REFUSED or name.startswith("max_"):
            if name != "max_query_execution_time":
                reason = REFUSED.get(name, "queries are not monitored for it")
                raise invalid(f"The parameter {name} is refused: {reason}.")
            if not re.fullmatch(r"\d{1,5}", value) or int(value) > EXECUTION_S_MAX:
                raise invalid(f"max_query_execution_time must be between 0 and {EXECUTION_S_MAX}; got {value}.")
        elif name not in DEFAULTS:
            raise invalid(f"Could not find parameter with name: {name}")
        elif name in FIXED and value != DEFAULTS[name]:
            raise invalid(f"{name}={value} is refused: {FIXED[name]}.")
        elif name in BOOLEANS and value not in ("true", "false"):
            raise invalid(f"The parameter {name} must be true or false; got {value}.")
        found[name] = value
    return found


def for_sessions(parameters: dict[str, str]) -> Document:
    """Members of a warehouse's document."""
    settings = {
        name: value for name, value in parameters.items() if name not in ("require_ssl", "max_query_execution_time")
    }
    settings["statement_timeout"] = str(int(parameters["max_query_execution_time"]) * 1000)
    return {"parameters": settings, "require_ssl": parameters["require_ssl"] == "true"}
