from tests.contracts.recipes import FEATURES, Estimators, Recipe

RECIPE = Recipe(
    "unsupervised",
    {"num_components": "2", "feature_dim": str(FEATURES), "mini_batch_size": "60"},
    ("projection",),
    wrapper="projections",
    long={"algorithm_mode": "randomized"},
)


def estimators() -> Estimators:
    from lakemill.algorithms.pca import PCA

    return [(PCA(n_components=1), {}), (PCA(n_components=1, mode="randomized"), {})]
