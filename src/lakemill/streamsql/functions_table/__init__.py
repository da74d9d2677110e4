"""The functions on streams that stand in FROM TABLE(...): anomalies, dense regions, frequent and distinct values.

Importing this registers them.
"""

from lakemill.streamsql.functions_table import anomalies, hotspots, tumbling
from lakemill.streamsql.interface import register

for _function in (*anomalies.FUNCTIONS, *hotspots.FUNCTIONS, *tumbling.FUNCTIONS):
    register(_function)
