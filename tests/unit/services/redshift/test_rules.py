"""What names, passwords, nodes and parameters must be like."""

import pytest

from lakemill.services import warehouserules as rules
from lakemill.services.base import ServiceError
from lakemill.services.redshift.nodes import checked_nodes
from lakemill.services.redshift.parameters import PARAMETERS, problem


@pytest.mark.parametrize("name", ["a", "sales", "sales-2024", "a-b-c", "x" * 63])
def test_names_of_clusters(name):
    rules.check_cluster_name(name, "ClusterIdentifier", ValueError)


@pytest.mark.parametrize("name", ["", "1a", "-a", "a-", "a--b", "A", "a_b", "a/b", "../x", "x" * 64])
def test_names_that_are_none(name):
    with pytest.raises(ValueError, match="ClusterIdentifier"):
        rules.check_cluster_name(name, "ClusterIdentifier", ValueError)


@pytest.mark.parametrize("password", ["Secret12", "aB3" + "x" * 61, "Aa1!#$%&"])
def test_passwords(password):
    rules.check_password(password, "P", ValueError)


@pytest.mark.parametrize(
    "password",
    *([["Secret1", "aB3" + "x" * 62, "secret123", "SECRET123", "Secretxy", "Secret 12", 'Secret"12', "Secret/12",
        "Secret@12", "Secret'12", "Secret\\12", "Sécret123", "Secret12\n"]]),
)  # fmt: skip
def test_passwords_that_are_none(password):
    with pytest.raises(ValueError, match="P must"):
        rules.check_password(password, "P", ValueError)


@pytest.mark.parametrize(("name", "good"), [("dev", True), ("sales_1", True), ("Dev", False), ("select", False),
                                            ("x" * 65, False), ("a b", False), ("../dev", False)])  # fmt: skip
def test_names_of_databases(name, good):
    if good:
        rules.check_database(name, ValueError)
    else:
        with pytest.raises(ValueError, match="Invalid database name"):
            rules.check_database(name, ValueError)


@pytest.mark.parametrize(
    ("request_", "present", "expected"),
    [
        ({"NodeType": "ra3.xlplus"}, None, ("ra3.xlplus", 1)),
        ({"NodeType": "dc2.large", "ClusterType": "single-node"}, None, ("dc2.large", 1)),
        ({"NodeType": "ra3.4xlarge", "NumberOfNodes": 2}, None, ("ra3.4xlarge", 2)),
        ({"NumberOfNodes": 4}, {"node_type": "ra3.xlplus", "nodes": 1}, ("ra3.xlplus", 4)),
        ({"NodeType": "ra3.4xlarge"}, {"node_type": "ra3.xlplus", "nodes": 2}, ("ra3.4xlarge", 2)),
        ({"ClusterType": "single-node"}, {"node_type": "ra3.xlplus", "nodes": 2}, ("ra3.xlplus", 1)),
        ({"NodeType": "ra3.4xlarge"}, None, "InvalidParameterCombination"),
        ({"NodeType": "ra3.xlplus", "ClusterType": "multi-node"}, None, "InvalidParameterCombination"),
        ({"NodeType": "ra3.xlplus", "ClusterType": "single-node", "NumberOfNodes": 2}, None,
         "InvalidParameterCombination"),
        ({"NodeType": "ra3.xlplus", "NumberOfNodes": 33}, None, "InvalidParameterValue"),
        ({"NodeType": "ra3.xlplus", "ClusterType": "many"}, None, "InvalidParameterValue"),
        ({"NodeType": "t2.micro"}, None, "InvalidParameterValue"),
    ],
)  # fmt: skip
def test_nodes(request_, present, expected):
    if isinstance(expected, tuple):
        assert checked_nodes(request_, present) == expected
    else:
        with pytest.raises(ServiceError) as caught:
            checked_nodes(request_, present)
        assert caught.value.code == expected


def test_every_parameter_may_have_its_default():
    assert [problem(name, known.default) for name, known in PARAMETERS.items()] == [""] * len(PARAMETERS)


@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("statement_timeout", "100", True),
        ("statement_timeout", "50", False),
        ("statement_timeout", "soon", False),
        ("extra_float_digits", "-15", True),
        ("extra_float_digits", "3", False),
        ("require_ssl", "true", True),
        ("require_ssl", "yes", False),
        ("search_path", "a, b", True),
        ("auto_mv", "false", False),
        ("unknown", "1", False),
    ],
)
def test_values_of_parameters(name, value, good):
    assert (problem(name, value) == "") == good
