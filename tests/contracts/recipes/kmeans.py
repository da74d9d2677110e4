from tests.contracts.recipes import FEATURES, Recipe

RECIPE = Recipe(
    "unsupervised",
    {"k": "3", "feature_dim": str(FEATURES), "mini_batch_size": "60"},
    ("closest_cluster", "distance_to_cluster"),
    metrics=("test:msd",),
)
