"""AWS Lambda (https://docs.aws.amazon.com/lambda/latest/api/)."""
