"""Parts of URLs. A URL that cannot be taken apart gives NULL."""

from lakemill.lakesql.dialects.functions.registry import table

TABLE = table(
    """
url_extract_protocol(varchar) -> varchar : CASE WHEN url_right({0}) THEN url_scheme({0}) END
url_extract_host(varchar) -> varchar : CASE WHEN url_right({0}) THEN url_host({0}) END
url_extract_port(varchar) -> bigint : CASE WHEN url_right({0}) THEN url_port({0}) END
url_extract_path(varchar) -> varchar : CASE WHEN url_right({0}) THEN url_path({0}) END
url_extract_query(varchar) -> varchar : CASE WHEN url_right({0}) THEN url_decode(url_query({0})) END
url_extract_fragment(varchar) -> varchar : CASE WHEN url_right({0}) THEN url_fragment({0}) END
url_extract_parameter(varchar, varchar) -> varchar : CASE WHEN url_right({0}) THEN url_param({0}, {1}) END
url_encode(varchar) -> varchar : replace(replace(replace(url_encode({0}), '%20', '+'), '~', '%7E'), '%2A', '*')
url_decode(varchar) -> varchar : url_decode(replace({0}, '+', ' '))
"""
)
