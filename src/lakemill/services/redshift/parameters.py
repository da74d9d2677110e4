"""The parameters of a group: what they may be, and which of them sessions see."""

import re
from typing import NamedTuple

FAMILIES = ("redshift-1.0", "redshift-2.0")
BOOLEAN = "true,false"


class Parameter(NamedTuple):
    """One of them. reason: why it keeps its default; "" for those that may be changed."""

    default: str
    type: str
    allowed: str
    description: str
    reason: str = ""


PARAMETERS = {
    "auto_analyze": Parameter("true", "boolean", BOOLEAN, "Use auto analyze", "statistics are always kept"),
    "auto_mv": Parameter(
        "true", "boolean", BOOLEAN, "Use auto materialized views", "there are none made by themselves"
    ),
    "datestyle": Parameter(
        "ISO, MDY",
        "string",
        "",
        "Sets the display format for date and time values.",
        "dates are read and shown in that form",
    ),
    "enable_case_sensitive_identifier": Parameter(
        "false",
        "boolean",
        BOOLEAN,
        "Preserve case sensitivity for database identifiers such as table or column names",
    ),
    "enable_user_activity_logging": Parameter(
        "false", "boolean", BOOLEAN, "parameter for audit logging purpose", "there are no audit logs"
    ),
    "extra_float_digits": Parameter("0", "integer", "-15-2", "Sets the number of digits displayed for floating-point"),
    "max_concurrency_scaling_clusters": Parameter(
        "1", "integer", "0-10", "The maximum concurrency scaling clusters can be used.", "there is one machine"
    ),
    "query_group": Parameter(
        "default", "string", "", "This parameter applies a user-defined label to a group of queries"
    ),
    "require_ssl": Parameter("false", "boolean", BOOLEAN, "require ssl for all databaseconnections"),
    "search_path": Parameter("$user, public", "string", "", "Sets the schema search order for names"),
    "statement_timeout": Parameter(
        "0", "integer", "0,100-2147483647", "Aborts any statement that takes over the specified number of milliseconds."
    ),
    "use_fips_ssl": Parameter("false", "boolean", BOOLEAN, "Use fips ssl library", "there is no such library"),
    "wlm_json_configuration": Parameter(
        '[{"auto_wlm":true}]', "string", "", "wlm json configuration", "statements are not put into queues"
    ),
}
OF_SESSIONS = (
    *("datestyle", "enable_case_sensitive_identifier", "extra_float_digits", "query_group", "search_path"),
    "statement_timeout",
)
_RANGE = re.compile(r"(-?\d+)(?:-(\d+))?\Z")


def problem(name: str, value: str) -> str:
    """What is wrong with a value; "" for nothing.

    >>> problem("extra_float_digits", "9")
    'Invalid value 9 for the parameter extra_float_digits; allowed: -15-2'
    """
    known = PARAMETERS.get(name)
    if known is None:
        return f"Could not find parameter with name: {name}"
    if known.reason and value != known.default:
        return f"{name}={value} is refused: {known.reason}"
    if not _allowed(known, value):
        return f"Invalid value {value} for the parameter {name}; allowed: {known.allowed}"
    return ""


def _allowed(known: Parameter, value: str) -> bool:
    if known.type == "boolean":
        return value in ("true", "false")
    if known.type == "integer":
        return bool(re.fullmatch(r"-?\d+", value)) and any(_within(one, int(value)) for one in known.allowed.split(","))
    return True


def _within(span: str, value: int) -> bool:
    found = _RANGE.match(span)
    assert found is not None
    return int(found[1]) <= value <= int(found[2] or found[1])
