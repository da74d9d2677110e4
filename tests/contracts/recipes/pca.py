from tests.contracts.recipes import FEATURES, Recipe

RECIPE = Recipe(
    "unsupervised",
    {"num_components": "2", "feature_dim": str(FEATURES), "mini_batch_size": "60"},
    ("projection",),
    wrapper="projections",
)
