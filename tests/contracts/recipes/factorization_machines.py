from tests.contracts.recipes import FEATURES, Estimators, Recipe

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


def estimators() -> Estimators:
    from lakemill.algorithms.factorization_machines import FactorizationMachineClassifier, FactorizationMachineRegressor

    adam = {"solver": "adam", "learning_rates": (0.1, 0.1, 0.01), "batch_size": 20, "max_iter": 20}
    both = (FactorizationMachineClassifier, FactorizationMachineRegressor)
    return [(kind(**settings), {}) for kind in both for settings in ({}, adam)]
