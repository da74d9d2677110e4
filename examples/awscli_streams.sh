#!/usr/bin/env bash
# Records through a stream and a delivery stream with the AWS CLI (version 1 or 2):
#     lakemill run -- bash examples/awscli_streams.sh
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
account=$(aws sts get-caller-identity --query Account --output text)

aws kinesis create-stream --stream-name cli-clicks --shard-count 2
aws kinesis wait stream-exists --stream-name cli-clicks
echo '{"user": "ada", "page": "/"}' > "$work/record"
aws kinesis put-record --stream-name cli-clicks --partition-key ada --data "fileb://$work/record" --query ShardId --output text
aws kinesis split-shard --stream-name cli-clicks --shard-to-split shardId-000000000000 \
    --new-starting-hash-key 85070591730234615865843651857942052863
aws kinesis wait stream-exists --stream-name cli-clicks
echo "shards: $(aws kinesis list-shards --stream-name cli-clicks --query 'length(Shards)')"
for shard in $(aws kinesis list-shards --stream-name cli-clicks --query 'Shards[].ShardId' --output text); do
    iterator=$(aws kinesis get-shard-iterator --stream-name cli-clicks --shard-id "$shard" \
        --shard-iterator-type TRIM_HORIZON --query ShardIterator --output text)
    aws kinesis get-records --shard-iterator "$iterator" --query 'Records[].Data' --output text
done | base64 --decode

aws s3 mb "s3://cli-lake-$account" > "$work/said"
trust='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"},
        "Action": "sts:AssumeRole"}]}'
role=$(aws iam create-role --role-name cli-firehose --assume-role-policy-document "$trust" --query Role.Arn --output text)
aws iam attach-role-policy --role-name cli-firehose --policy-arn arn:aws:iam::aws:policy/AmazonS3FullAccess
aws firehose create-delivery-stream --delivery-stream-name cli-to-lake --extended-s3-destination-configuration \
    "RoleARN=$role,BucketARN=arn:aws:s3:::cli-lake-$account,Prefix=clicks/,BufferingHints={IntervalInSeconds=1,SizeInMBs=1}" \
    > "$work/said"
until [ "$(aws firehose describe-delivery-stream --delivery-stream-name cli-to-lake \
    --query DeliveryStreamDescription.DeliveryStreamStatus --output text)" = ACTIVE ]; do sleep 0.2; done
printf '[{"Data": "%s"}, {"Data": "%s"}]' "$(printf 'one\n' | base64)" "$(printf 'two\n' | base64)" > "$work/records.json"
aws firehose put-record-batch --delivery-stream-name cli-to-lake --records "file://$work/records.json" > "$work/said"
until aws s3 ls --recursive "s3://cli-lake-$account/clicks/" > "$work/objects"; do sleep 0.5; done
aws s3 cp --quiet "s3://cli-lake-$account/$(awk '{print $4}' "$work/objects" | head -1)" "$work/landed"
# Version 2 takes the text of a blob as base64, version 1 as it stands.
echo "landed: $(base64 --decode < "$work/landed" 2>/dev/null | tr '\n' ' ' || cat "$work/landed")"
