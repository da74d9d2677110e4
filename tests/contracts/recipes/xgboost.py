from tests.contracts.recipes import Recipe

RECIPE = Recipe(
    "binary",
    {
        "num_round": "5",
        "objective": "binary:logistic",
        "eval_metric": "logloss,accuracy",
        "nthread": "1",
        "save_model_on_termination": "true",
    },
    ("score",),
    metrics=("validation:logloss", "validation:accuracy", "train:logloss"),
    missing_values=True,
    long={"num_round": "400"},
)
