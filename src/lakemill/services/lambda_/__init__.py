"""AWS Lambda (https://docs.aws.amazon.com/lambda/latest/api/)."""

from lakemill.services.lambda_.download import PATH as CODE_PATH
from lakemill.services.lambda_.runtime import LambdaRuntime
from lakemill.services.lambda_.service import Lambda

__all__ = ["CODE_PATH", "Lambda", "LambdaRuntime"]
