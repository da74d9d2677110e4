"""Names of the evaluation metrics, who computes each, and which way is better. Imports nothing heavy."""

CONTAINER = (
    "accuracy",
    "balanced_accuracy",
    "f1",
    "f1_binary",
    "f1_macro",
    "mse",
    "precision",
    "precision_macro",
    "precision_micro",
    "r2",
    "recall",
    "recall_macro",
    "recall_micro",
)
"""Metrics of AWS's container, computed in `scores.py`."""

LIBRARY = (
    "aft-nloglik",
    "auc",
    "aucpr",
    "cox-nloglik",
    "error",
    "gamma-deviance",
    "gamma-nloglik",
    "interval-regression-accuracy",
    "logloss",
    "mae",
    "map",
    "mape",
    "merror",
    "mlogloss",
    "mphe",
    "ndcg",
    "poisson-nloglik",
    "rmse",
    "rmsle",
    "tweedie-nloglik",
)
"""Metrics the xgboost library computes."""

_MAXIMISED = frozenset(CONTAINER) - {"mse"} | {"auc", "aucpr", "map", "ndcg"}
_WITH_ARGUMENT = ("error", "ndcg", "map", "tweedie-nloglik")


def base(name: str) -> str:
    """The metric without its argument: `ndcg@5-` -> `ndcg`."""
    return name.partition("@")[0]


def maximised(name: str) -> bool:
    """Whether more is better."""
    return base(name) in _MAXIMISED


def split(text: str) -> list[str]:
    """The names in a comma list, in order, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def wrong_name(text: str) -> str | None:
    """A sentence about the first name of a comma list that is no metric; None if all are."""
    for name in split(text) or [text]:
        known = base(name) in LIBRARY + CONTAINER
        if not known or ("@" in name and base(name) not in _WITH_ARGUMENT):
            return f"{name!r} is not a metric; known are {', '.join(sorted(LIBRARY + CONTAINER))}"
    return None
