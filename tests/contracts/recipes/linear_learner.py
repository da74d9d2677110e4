from tests.contracts.recipes import Estimators, Recipe

RECIPE = Recipe(
    "binary",
    {"predictor_type": "binary_classifier", "mini_batch_size": "50", "epochs": "3", "num_models": "2"},
    ("score", "predicted_label"),
    metrics=("validation:objective_loss", "validation:binary_classification_accuracy"),
    long={"epochs": "200", "early_stopping_patience": "200"},
)


# Those checks compare two fits of 15 records to seven digits. Three classes are separable there: without a penalty the
# optimum lies at infinity, and with wd=0.01 and the least tol the two fits still differ in the seventh digit.
SEPARABLE = "an iterative softmax does not agree with itself to seven digits on 15 separable records"
WEIGHTS = ("check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data")


def estimators() -> Estimators:
    from lakemill.algorithms.linear_learner import LinearLearnerClassifier, LinearLearnerRegressor

    return [(LinearLearnerRegressor(), {}), (LinearLearnerClassifier(), dict.fromkeys(WEIGHTS, SEPARABLE))]
