"""A project of dbt on the lake: seeds, views, tables, incremental models, snapshots, tests, pages."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.journeys.lake import Lake

ROOT = Path(__file__).parent.parent.parent
PROJECT = ROOT / "examples" / "dbt"
DBT = ROOT / ".venvs" / "dbt" / "bin" / "dbt"
NAME = "shop_journey"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not DBT.exists(), reason="needs `make clients`"),
]


def test_a_project_is_built_again_and_again(lakemill, tmp_path):
    lake = Lake(lakemill, NAME)
    lake.s3.create_bucket(Bucket=lake.bucket)
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": lakemill.endpoint,
        "AWS_ACCESS_KEY_ID": lakemill.access_key_id,
        "AWS_SECRET_ACCESS_KEY": lakemill.secret,
        "SHOP_SCHEMA": NAME,
        "SHOP_BUCKET": lake.bucket,
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(tmp_path / "target"),
        "DBT_LOG_PATH": str(tmp_path / "logs"),
    }

    def dbt(*words):
        """The results of a command, by what they are of."""
        done = subprocess.run(
            [DBT, *words], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=400
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        results = json.loads((tmp_path / "target" / "run_results.json").read_text())["results"]
        return {one["unique_id"].split(".")[2]: one["adapter_response"].get("rows_affected") for one in results}

    changed = dbt("build", "--vars", "{until: 2024-01-02}")
    assert (changed["arrivals"], changed["customers"], changed["customers_history"]) == (3, 2, 2)

    changed = dbt("build")
    assert (changed["arrivals"], changed["customers"], changed["customers_history"]) == (1, 3, 1)
    customers = lake.rows("SELECT customer, orders, amount FROM customers ORDER BY customer")[1:]
    assert customers == [["ann", "2", "15.75"], ["bo", "1", "20.00"], ["cy", "1", "7.00"]]
    assert lake.rows("SELECT id FROM arrivals ORDER BY id")[1:] == [["1"], ["2"], ["3"], ["4"]]
    assert lake.rows("SELECT count(*), count(DISTINCT id) FROM orders_by_day")[1] == ["4", "4"]
    assert lake.rows("SELECT sum(amount) FROM days")[1] == ["42.75"]
    assert lake.rows("SELECT count(*) FROM customers_history WHERE dbt_valid_to IS NULL")[1] == ["3"]

    dbt("build", "--full-refresh", "--select", "customers", "days")
    assert lake.rows("SELECT count(*) FROM customers")[1] == ["3"]
    dbt("docs", "generate")
    catalog = json.loads((tmp_path / "target" / "catalog.json").read_text())
    assert set(catalog["nodes"]["model.shop.customers"]["columns"]) == {"customer", "orders", "amount", "last_order"}
