import pytest

from lakemill.engines.queries import ClusterUnavailable, open_cluster


def test_a_url_says_where_the_cluster_is_and_what_it_calls_the_lake():
    assert open_cluster("") is None
    found = open_cluster("trino://head")
    assert (found.base, found.catalog, found.iceberg, found.authorization) == (
        "http://head:8080",
        "awsdatacatalog",
        "",
        "",
    )
    found = open_cluster("trino+https://mill:p%40ss@head:8443/Lake?iceberg=ice")
    assert (found.base, found.catalog, found.iceberg) == ("https://head:8443", "lake", "ice")
    assert found.authorization == "Basic bWlsbDpwQHNz"
    assert open_cluster("trino://[::1]:9/x").base == "http://[::1]:9"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://head", "it is http://head"),
        ("trino://", "it is trino://"),
        ("trino://head:no", "[Pp]ort"),
        ("trino://head/a/b", "a/b is no name of a catalog"),
        ("trino://head/a'b", "is no name of a catalog"),
        ("trino://head/a?b=c", "there is no option b"),
        ("trino://me:word@head/a", "over https alone"),
        ("trino+https://head/a?ca=/nowhere.pem", "/nowhere.pem cannot be read"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url, reason):
    with pytest.raises(ClusterUnavailable, match=reason):
        open_cluster(url)
