"""SageMaker Runtime: requests to models behind endpoints, on engines/hosting.

API reference: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Runtime.html
"""

from lakemill.services.sagemaker_runtime.service import SageMakerRuntime

__all__ = ["SageMakerRuntime"]
