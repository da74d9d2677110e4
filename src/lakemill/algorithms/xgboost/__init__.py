"""XGBoost as a built-in algorithm.

    from lakemill.algorithms.xgboost import XGBClassifier, XGBRanker, XGBRegressor, load_model

are the xgboost library's own estimators, whose defaults are AWS's (num_round is n_estimators there), and a reader of
artifacts, those of AWS's old containers among them. What is added here is AWS's hyperparameters, channels, log lines
and request forms around the library.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xgboost import XGBClassifier, XGBRanker, XGBRegressor

    from lakemill.algorithms.xgboost.artifact import load_model

__all__ = ["XGBClassifier", "XGBRanker", "XGBRegressor", "load_model"]


def __getattr__(name: str) -> Any:
    # Lazily, because the control plane reads the spec beside it without the library.
    if name == "load_model":
        from lakemill.algorithms.xgboost.artifact import load_model

        return load_model
    if name in __all__:
        import xgboost

        return getattr(xgboost, name)
    raise AttributeError(name)
