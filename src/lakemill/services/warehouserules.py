"""What names and passwords of warehouses must be like, for both services that make them."""

import re
from collections.abc import Callable

CLUSTER = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
DATABASE = re.compile(r"[a-z_][a-z0-9_$.@+-]{0,63}\Z")
USER = re.compile(r"[a-zA-Z][a-zA-Z0-9_+.@-]{0,127}\Z")
PASSWORD = re.compile(r"[!-~]{8,64}\Z")
FORBIDDEN = "'\"\\/@"
ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+\Z")
_WORDS = """
    all and any array as asc authorization between both case cast check collate column constraint create cross
    current_date current_time current_timestamp current_user default deferrable desc disable distinct do else
    enable encode end except false for foreign freeze from full grant group having identity ilike in initially
    inner intersect into is isnull join leading left like limit localtime localtimestamp minus natural new not
    notnull null nulls off offset old on only open or order outer overlaps parallel partition percent permissions
    primary public references respect restore right select session_user similar some sysdate system table tag
    template0 template1 then timestamp to top trailing true union unique user using verbose when where with
    without
"""
RESERVED = frozenset(_WORDS.split())
ROLES_MAX = 50
Wrong = Callable[[str], Exception]
"""Makes the error of a service from a sentence."""


def check_cluster_name(name: str, member: str, wrong: Wrong) -> None:
    """1 to 63 letters, digits and single hyphens; begins with a letter."""
    if not CLUSTER.match(name) or len(name) > 63:
        raise wrong(
            f"The parameter {member} is not a valid identifier. Identifiers must begin with a letter; must contain "
            "only lowercase ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two "
            "consecutive hyphens."
        )


def check_database(name: str, wrong: Wrong) -> None:
    """Lower case, and none of SQL's own words."""
    if not DATABASE.match(name) or name in RESERVED:
        raise wrong(f"Invalid database name {name}.")


def check_user(name: str, wrong: Wrong) -> None:
    """Begins with a letter; none of SQL's own words."""
    if not USER.match(name) or name.lower() in RESERVED:
        raise wrong(f"Invalid master user name {name}.")


def check_password(password: str, member: str, wrong: Wrong) -> None:
    """8 to 64 printable characters with an upper and a lower case letter and a digit among them."""
    if not PASSWORD.match(password) or any(one in FORBIDDEN for one in password):
        raise wrong(
            f"The parameter {member} must be 8-64 characters long and contain only printable ASCII characters except "
            "for '/', '@', '\"', '\\', ''' and space."
        )
    for kind, pattern in (("uppercase letter", "[A-Z]"), ("lowercase letter", "[a-z]"), ("decimal digit", "[0-9]")):
        if not re.search(pattern, password):
            raise wrong(f"The parameter {member} must contain at least one {kind}.")


def check_roles(roles: list[str], default: str, wrong: Wrong) -> None:
    """ARNs; the default one among them."""
    for role in roles:
        if not ROLE.match(role):
            raise wrong(f"The IAM role is not valid: {role}")
    if len(roles) > ROLES_MAX:
        raise wrong(f"At most {ROLES_MAX} IAM roles can be attached.")
    if default and default not in roles:
        raise wrong(f"The default IAM role {default} must be one of the IAM roles that are attached.")
