from tests.contracts.recipes import FEATURES, Estimators, Recipe

RECIPE = Recipe(
    "unsupervised",
    {"num_trees": "50", "num_samples_per_tree": "4", "feature_dim": str(FEATURES)},
    ("score",),
    wrapper="scores",
    metrics=("test:f1", "test:accuracy", "test:precision", "test:recall", "train:progress", "train:throughput"),
    labelled_test=True,
)


def estimators() -> Estimators:
    from lakemill.algorithms.randomcutforest import RandomCutForest

    return [(RandomCutForest(n_estimators=20, max_samples=64), {})]
