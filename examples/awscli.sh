#!/usr/bin/env bash
# The AWS CLI: copy, sync, list, presign, train, read the log.
#
#     lakemill run -- bash examples/awscli.sh
set -euo pipefail
name="cli-kmeans-$(date +%s%N)"
bucket="$name"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

aws sts get-caller-identity
aws s3 mb "s3://$bucket"
for i in 1 2 3; do
  awk -v seed="$i" 'BEGIN { srand(seed); for (n = 0; n < 500; n++) { c = int(rand() * 2) * 10; print c + rand() "," c + rand() } }' \
    > "$folder/part-$i.csv"
done
aws s3 cp "$folder/part-1.csv" "s3://$bucket/train/part-1.csv"
aws s3 sync "$folder" "s3://$bucket/train/"
aws s3 ls "s3://$bucket/train/"
curl --fail --silent --show-error "$(aws s3 presign "s3://$bucket/train/part-1.csv" --expires-in 60)" | cmp - "$folder/part-1.csv"

cat > "$folder/trust.json" <<'JSON'
{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
JSON
role=$(aws iam create-role --role-name "$name" --assume-role-policy-document "file://$folder/trust.json" \
  --query Role.Arn --output text)
aws iam attach-role-policy --role-name "$name" --policy-arn arn:aws:iam::aws:policy/AmazonS3FullAccess
aws sagemaker create-training-job \
  --training-job-name "$name" \
  --algorithm-specification "TrainingImage=382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1,TrainingInputMode=File" \
  --role-arn "$role" \
  --hyper-parameters k=2,feature_dim=2 \
  --input-data-config "[{\"ChannelName\":\"train\",\"ContentType\":\"text/csv;label_size=0\",
    \"DataSource\":{\"S3DataSource\":{\"S3DataType\":\"S3Prefix\",\"S3Uri\":\"s3://$bucket/train/\"}}}]" \
  --output-data-config "S3OutputPath=s3://$bucket/output" \
  --resource-config InstanceType=ml.m5.xlarge,InstanceCount=1,VolumeSizeInGB=10 \
  --stopping-condition MaxRuntimeInSeconds=600
until status=$(aws sagemaker describe-training-job --training-job-name "$name" --query TrainingJobStatus --output text) \
  && [[ "$status" != InProgress ]]; do sleep 1; done
echo "training job: $status"
[[ "$status" == Completed ]]
if [[ "$(aws --version)" == aws-cli/1.* ]]; then # The first version of the CLI has no `logs tail`.
  aws logs filter-log-events --log-group-name /aws/sagemaker/TrainingJobs --log-stream-name-prefix "$name/" \
    --query 'events[].message' --output text | tr '\t' '\n' | grep "quality_metric"
else
  aws logs tail /aws/sagemaker/TrainingJobs --log-stream-name-prefix "$name/" --since 1h | grep "quality_metric"
fi
aws s3 cp "s3://$bucket/output/$name/output/model.tar.gz" "$folder/model.tar.gz"
tar -tzf "$folder/model.tar.gz"
aws s3 rb "s3://$bucket" --force
