#!/usr/bin/env bash
# Files to a table to answers with the AWS CLI (version 1 or 2): crawl, ask Athena, load and ask Redshift.
#     lakemill run -- bash examples/awscli_lake.sh
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
account=$(aws sts get-caller-identity --query Account --output text)
bucket="cli-shop-$account"

aws s3 mb "s3://$bucket" > "$work/said"
for month in 1 2; do
    printf 'id,item,price\n%s1,pen,1.5\n%s2,ink,4.25\n' "$month" "$month" > "$work/$month.csv"
    aws s3 cp --quiet "$work/$month.csv" "s3://$bucket/orders/month=$month/orders.csv"
done
trust='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": ["glue.amazonaws.com", "redshift.amazonaws.com"]}}]}'
role=$(aws iam create-role --role-name cli-shop --assume-role-policy-document "$trust" --query Role.Arn --output text)
for policy in AmazonS3FullAccess AWSGlueConsoleFullAccess; do
    aws iam attach-role-policy --role-name cli-shop --policy-arn "arn:aws:iam::aws:policy/$policy"
done

aws glue create-crawler --name cli-shop --role "$role" --database-name cli_shop \
    --targets "{\"S3Targets\": [{\"Path\": \"s3://$bucket/orders/\"}]}"
aws glue start-crawler --name cli-shop
until [ "$(aws glue get-crawler --name cli-shop --query Crawler.State --output text)" = READY ]; do sleep 0.2; done
aws glue get-table --database-name cli_shop --name orders \
    --query 'Table.[StorageDescriptor.Columns, PartitionKeys][].[Name, Type]' --output text

id=$(aws athena start-query-execution --query QueryExecutionId --output text \
    --query-string 'SELECT month, sum(price) AS total FROM orders GROUP BY month ORDER BY month' \
    --query-execution-context Database=cli_shop --result-configuration "OutputLocation=s3://$bucket/results/")
until state=$(aws athena get-query-execution --query-execution-id "$id" --query QueryExecution.Status.State --output text)
    [ "$state" = SUCCEEDED ] || [ "$state" = FAILED ]; do sleep 0.2; done
aws s3 cp --quiet "s3://$bucket/results/$id.csv" - | sed 's/^/athena: /'

aws redshift create-cluster --cluster-identifier cli-shop --node-type ra3.xlplus --master-username admin \
    --master-user-password Shop1234 --iam-roles "$role" --default-iam-role-arn "$role" > "$work/said"
aws redshift wait cluster-available --cluster-identifier cli-shop
aws redshift-data batch-execute-statement --cluster-identifier cli-shop --database dev --db-user admin --sqls \
    'CREATE TABLE orders (id INTEGER, item VARCHAR(20), price DECIMAL(8,2))' \
    "COPY orders FROM 's3://$bucket/orders/' IAM_ROLE default CSV IGNOREHEADER 1" \
    'SELECT item, SUM(price) AS total FROM orders GROUP BY item ORDER BY item' --query Id --output text > "$work/id"
until state=$(aws redshift-data describe-statement --id "$(cat "$work/id")" --query Status --output text)
    [ "$state" = FINISHED ] || [ "$state" = FAILED ]; do sleep 0.2; done
aws redshift-data get-statement-result --id "$(cat "$work/id"):3" \
    --query 'Records[*].[[0].stringValue, [1].stringValue]' --output text | sed 's/^/redshift: /'
aws redshift delete-cluster --cluster-identifier cli-shop --skip-final-cluster-snapshot > "$work/said"
