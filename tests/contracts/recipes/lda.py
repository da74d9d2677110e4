import numpy as np

from tests.contracts.recipes import FEATURES, Estimators, Recipe, Table


def documents(rows: int, seed: int) -> Table:
    """Documents of about 40 words, mixtures of three topics of two words each."""
    random = np.random.default_rng(seed)
    topics = np.repeat(np.eye(3), 2, axis=1) / 2
    chances = random.dirichlet([0.2, 0.2, 0.2], rows) @ topics
    return Table(random.multinomial(random.integers(20, 60, rows), chances).astype(np.float32), None)


RECIPE = Recipe(
    "unsupervised",
    {"num_topics": "3", "feature_dim": str(FEATURES), "mini_batch_size": "240"},
    ("topic_mixture",),
    metrics=("test:pwll",),
    table=documents,
)


def estimators() -> Estimators:
    from lakemill.algorithms.lda import LDA

    return [(LDA(n_components=2, max_iter=10, max_restarts=2), {})]
