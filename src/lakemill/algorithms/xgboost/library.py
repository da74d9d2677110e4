"""The xgboost package, imported as lightly as the process allows.

xgboost looks for scikit-learn at its import, to offer XGBClassifier and its like, and takes pandas and most of SciPy
with it: 1.4 s instead of 0.5 s. A container needs none of them, so there (LAKEMILL_CONTAINER is set by
`lakemill.container`) scikit-learn is hidden for the moment of the import. Elsewhere the import is the ordinary one.
"""

import importlib
import os
import sys
from typing import Any


def _import() -> Any:
    if "LAKEMILL_CONTAINER" not in os.environ or "sklearn" in sys.modules or "xgboost" in sys.modules:
        return importlib.import_module("xgboost")
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # None makes `import sklearn` an ImportError.
    try:
        return importlib.import_module("xgboost")
    finally:
        del sys.modules["sklearn"]


xgboost = _import()
XGBoostError = xgboost.core.XGBoostError


def plain_message(error: Exception) -> str:
    """An XGBoostError's own sentence, without time, source line and stack trace.

    >>> plain_message(Exception("[10:00:00] /src/a.cc:1: Check failed: x (1 vs. 0) : No good\\nStack trace:\\n"))
    'Check failed: x (1 vs. 0) : No good'
    """
    text = str(error).partition("Stack trace:")[0].strip()
    if text.startswith("[") and ": " in text:
        text = text.split(": ", 1)[1]
    return " ".join(text.split())
