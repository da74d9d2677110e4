import numpy as np

from tests.contracts.recipes import Estimators, Recipe, Table


def log_ins(rows: int, seed: int) -> Table:
    """Twelve users, each in two networks of its own."""
    random = np.random.default_rng(seed)
    user = random.integers(0, 12, rows)
    network = user * 2 + random.integers(0, 2, rows)
    addresses = [f"10.{one}.0.{last}" for one, last in zip(network, random.integers(1, 255, rows), strict=True)]
    return Table(np.array([(f"user_{one}", text) for one, text in zip(user, addresses, strict=True)], object), None)


RECIPE = Recipe(
    "unsupervised",
    {"num_entity_vectors": "40", "vector_dim": "8", "epochs": "3", "mini_batch_size": "60", "learning_rate": "0.01"},
    ("dot_product",),
    metrics=(
        "validation:discriminator_auc",
        "train:binary_classification_accuracy",
        "train:binary_classification_cross_entropy",
        "train:binary_classification_accuracy:epoch",
        "train:binary_classification_cross_entropy:epoch",
    ),
    numeric=False,
    table=log_ins,
    long={"epochs": "60"},
)


def estimators() -> Estimators:
    from lakemill.algorithms.ipinsights import IPInsights

    # scikit-learn's checks make up numbers, and no address; tests/unit/algorithms/ipinsights has their like for pairs.
    return [(IPInsights(epochs=2), None)]
