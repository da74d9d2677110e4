"""Random Cut Forest on a year of flights with the estimator class of the SageMaker SDK 2.x.

AWS's introductory notebook scores taxi rides; here the days are scored by the departures of each of their 24 hours.

lakemill run -- python examples/randomcutforest_sdk2.py
"""

import numpy as np
import pandas as pd
import sagemaker
from flights import DATA
from role import execution_role
from sagemaker import RandomCutForest

DAY = 24
flights = pd.read_parquet(
    DATA / "nycflights13" / "flights.parquet", columns=["year", "month", "day", "hour", "air_time"]
)
flown = flights[flights["air_time"].notna()]
hours = pd.to_datetime(flown[["year", "month", "day", "hour"]]).value_counts()
series = hours.reindex(pd.date_range("2013-01-01", "2013-12-31 23:00", freq="h"), fill_value=0)
shingles = np.lib.stride_tricks.sliding_window_view(series.to_numpy(np.float32), DAY)[::DAY]

session = sagemaker.Session()
forest = RandomCutForest(
    role=execution_role(),
    instance_count=1,
    instance_type="ml.m5.xlarge",
    num_samples_per_tree=7,
    num_trees=50,
    output_path=f"s3://{session.default_bucket()}/randomcutforest",
)
forest.fit(forest.record_set(shingles), logs=True)

predictor = forest.deploy(initial_instance_count=1, instance_type="ml.m5.large")
answers = predictor.predict(shingles)
scores = np.array([answer.label["score"].float32_tensor.values[0] for answer in answers])
cutoff = scores.mean() + 3 * scores.std()
unusual = series.index[::DAY][scores > cutoff]
print(f"days above the cut-off of {cutoff:.2f}: {', '.join(f'{day:%d %b}' for day in unusual)}")
assert "09 Feb" in {f"{day:%d %b}" for day in unusual}  # The morning after the February blizzard.
predictor.delete_endpoint()
