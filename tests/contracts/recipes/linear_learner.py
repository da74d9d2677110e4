from tests.contracts.recipes import Recipe

RECIPE = Recipe(
    "binary",
    {"predictor_type": "binary_classifier", "mini_batch_size": "50", "epochs": "3", "num_models": "2"},
    ("score", "predicted_label"),
    metrics=("validation:objective_loss", "validation:binary_classification_accuracy"),
    long={"epochs": "200", "early_stopping_patience": "200"},
)
