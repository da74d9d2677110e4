from tests.contracts.recipes import FEATURES, Estimators, Recipe

RECIPE = Recipe(
    "multiclass",
    {"k": "5", "feature_dim": str(FEATURES), "predictor_type": "classifier", "sample_size": "200"},
    ("predicted_label",),
    metrics=("test:accuracy",),
    long={"mini_batch_size": "1", "sample_size": "50"},
)


def estimators() -> Estimators:
    from lakemill.algorithms.knn import KNNClassifier, KNNRegressor

    return [(KNNClassifier(), {}), (KNNRegressor(), {})]
