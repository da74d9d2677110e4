from tests.contracts.recipes import Estimators, Recipe

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


BOTH = {
    "check_no_attributes_set_in_init": "the library keeps unknown keywords as kwargs",
    "check_all_zero_sample_weights_error": "the library says it in other words",
}
CODES = "the library takes classes as the numbers 0, 1, ..., k-1"
REASONS = {
    "XGBClassifier": {
        **BOTH,
        "check_estimators_overwrite_params": "the library sets the objective by the number of classes",
        "check_dont_overwrite_parameters": "the library sets the objective by the number of classes",
        "check_classifiers_multilabel_output_format_predict": "the library answers with floats",
        **dict.fromkeys(
            (
                "check_estimators_dtypes",
                "check_sample_weights_pandas_series",
                "check_sample_weights_not_an_array",
                "check_sample_weights_shape",
                "check_sample_weights_not_overwritten",
                "check_classifier_data_not_an_array",
                "check_classifiers_classes",
                "check_fit2d_1sample",
                "check_fit2d_1feature",
            ),
            CODES,
        ),
    },
    "XGBRegressor": {**BOTH, "check_regressor_multioutput": "the library answers in float32"},
}


def estimators() -> Estimators:
    from lakemill.algorithms.xgboost import XGBClassifier, XGBRanker, XGBRegressor

    both = [XGBClassifier(n_estimators=3, nthread=1), XGBRegressor(n_estimators=3, nthread=1)]
    return [(one, REASONS[type(one).__name__]) for one in both] + [(XGBRanker(), None)]
