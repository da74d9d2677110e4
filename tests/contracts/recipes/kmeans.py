from tests.contracts.recipes import FEATURES, Estimators, Recipe

RECIPE = Recipe(
    "unsupervised",
    {"k": "3", "feature_dim": str(FEATURES), "mini_batch_size": "60"},
    ("closest_cluster", "distance_to_cluster"),
    metrics=("test:msd",),
    long={"epochs": "300"},
)


def estimators() -> Estimators:
    from lakemill.algorithms.kmeans import KMeans

    return [(KMeans(n_clusters=2), {})]
