"""XGBoost as a built-in algorithm.

The library face of this algorithm is the `xgboost` package itself; here are only AWS's hyperparameters, channels, log
lines and request forms around it.
"""
