from tests.contracts.recipes import FEATURES, Recipe

RECIPE = Recipe(
    "binary",
    {
        "feature_dim": str(FEATURES),
        "num_factors": "4",
        "predictor_type": "binary_classifier",
        "mini_batch_size": "50",
        "epochs": "5",
    },
    ("score", "predicted_label"),
    metrics=(
        "test:binary_classification_accuracy",
        "test:binary_classification_cross_entropy",
        "test:binary_f_beta",
        "train:progress",
        "train:throughput",
    ),
    long={"epochs": "400"},
)
