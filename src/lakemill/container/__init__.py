"""The /opt/ml container contract as a process: train or serve any built-in algorithm.

`python -m lakemill.container train --algorithm xgboost` and `... serve --algorithm xgboost`; the base folder is
/opt/ml or SAGEMAKER_BASE_DIR.
"""
