"""Image URIs: which built-in algorithm is meant.

SageMaker's images live in a registry account per region; here the repository's name alone decides, so an URI made for
any region works.
"""

from lakemill.algorithms import registry
from lakemill.algorithms.spec import AlgorithmSpec
from lakemill.services.base import ServiceError
from lakemill.services.sagemaker.errors import invalid


def algorithm_of(image_uri: str, member: str = "TrainingImage") -> AlgorithmSpec:
    """The algorithm. Raises a ServiceError that says which repositories are known.

    >>> algorithm_of("382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1").name
    'kmeans'
    """
    found = registry.for_image(image_uri)
    if found is None:
        raise _unknown(image_uri, member)
    return found


def _unknown(image_uri: str, member: str) -> ServiceError:
    known = sorted({repository for spec in registry.specs() for repository in spec.repositories})
    return invalid(
        f"{member} {image_uri!r} names no image lakemill can run. It runs the built-in algorithms, recognised by the "
        f"repository's name whatever the account, region and tag: {', '.join(known)}. Get the URI from "
        "sagemaker.image_uris.retrieve(<algorithm>, <region>); images of your own are not supported yet."
    )
