"""Bytes: hashes and encodings."""

from lakemill.lakesql.dialects.functions.registry import table

TABLE = table(
    """
to_hex(varbinary) -> varchar : hex({0})
from_hex(varchar) -> varbinary : hex_bytes({0})
to_base64(varbinary) -> varchar : to_base64({0})
from_base64(varchar) -> varbinary : from_base64({0})
to_base64url(varbinary) -> varchar : translate(to_base64({0}), '+/', '-_')
from_base64url(varchar) -> varbinary : from_base64(translate({0}, '-_', '+/'))
md5(varbinary) -> varbinary : unhex(md5({0}))
sha1(varbinary) -> varbinary : unhex(sha1({0}))
sha256(varbinary) -> varbinary : unhex(sha256({0}))
"""
)
