#!/usr/bin/env bash
# Builds the project of dbt in dbt/ twice: with the orders of two days, then with all of them.
#
#     lakemill run -- bash examples/dbt.sh
set -euo pipefail
cd "$(dirname "$0")/dbt"
[ -x ../../.venvs/dbt/bin/dbt ] && PATH="$(cd ../../.venvs/dbt/bin && pwd):$PATH"
export DBT_PROFILES_DIR=. SHOP_BUCKET="${SHOP_BUCKET:-shop}" AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}"

python -c "import boto3, os; boto3.client('s3').create_bucket(Bucket=os.environ['SHOP_BUCKET'])"
dbt build --vars '{until: 2024-01-02}'
dbt build
dbt show --quiet --inline "select * from {{ ref('customers') }} order by customer"
