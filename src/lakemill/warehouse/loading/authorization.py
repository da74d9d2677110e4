"""In whose name a command works in the lake: IAM_ROLE, ACCESS_KEY_ID or CREDENTIALS."""

import re
from typing import TYPE_CHECKING

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.interface import Authorization
from lakemill.warehouse.loading.words import Words

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

_PARTS = {
    "aws_iam_role": "role",
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "token": "session_token",
    "aws_session_token": "session_token",
    "master_symmetric_key": "master_symmetric_key",
}

_SECRET = re.compile(
    r"(\b(?:CREDENTIALS|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)\s+(?:AS\s+)?)'(?:[^']|'')*'", re.I
)


def take(words: Words, found: Authorization | None) -> Authorization | None:
    """What was found so far with what comes, or None where something else comes. Raises SqlFailed."""
    words.take("WITH")
    if words.take("IAM_ROLE"):
        role = "default" if words.take("DEFAULT") else words.string()
        return _once(found, Authorization(role=role))
    if words.take("CREDENTIALS"):
        words.take("AS")
        return _once(found, of_credentials(words.string()))
    keys = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
    name = next((key for key in keys if words.take(key)), None)
    if name is None:
        return None
    if found is not None and found.role:
        raise twice()
    words.take("AS")
    part = name.lower()
    authorization = found or Authorization()
    if getattr(authorization, part):
        raise twice()
    setattr(authorization, part, words.string())
    return authorization


def of_credentials(text: str) -> Authorization:
    """The text of CREDENTIALS. Raises SqlFailed.

    >>> of_credentials("aws_access_key_id=A;aws_secret_access_key=s=").secret_access_key
    's='
    """
    found = Authorization()
    for piece in filter(None, (piece.strip() for piece in text.split(";"))):
        name, sign, value = piece.partition("=")
        part = _PARTS.get(name.strip().lower())
        if part is None or not sign:
            raise SqlFailed("XX000", "Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or "
                            "'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'")  # fmt: skip
        if part == "master_symmetric_key":
            raise SqlFailed("0A000", "master_symmetric_key is not supported: nothing is encrypted by the client")
        setattr(found, part, value.strip())
    return found


def masked(text: str) -> str:
    """A statement without the secrets in it, as system tables keep it.

    >>> masked("COPY t FROM 's3://b/k' SECRET_ACCESS_KEY 'abc' CSV")
    "COPY t FROM 's3://b/k' SECRET_ACCESS_KEY '' CSV"
    """
    return _SECRET.sub(r"\1''", text)


def hide(session: "Session") -> None:
    """Let the statement that is under way be told without its secrets."""
    if session.work is not None:
        session.work.text = masked(session.work.text)


def checked(found: Authorization | None) -> Authorization:
    """What a command must have. Raises SqlFailed where nothing, or half of it, was given."""
    if found is None:
        raise SqlFailed("42601", "No authorization was given: IAM_ROLE, ACCESS_KEY_ID or CREDENTIALS is required")
    if not found.role and not (found.access_key_id and found.secret_access_key):
        raise SqlFailed("XX000", "Invalid credentials: an access key needs ACCESS_KEY_ID and SECRET_ACCESS_KEY")
    return found


def twice() -> SqlFailed:
    """Two kinds of it, or one two times."""
    return SqlFailed("42601", "conflicting or redundant options: authorization is given twice")


def _once(found: Authorization | None, new: Authorization) -> Authorization:
    if found is not None:
        raise twice()
    return new
