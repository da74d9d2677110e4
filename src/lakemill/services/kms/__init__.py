"""Key Management Service (https://docs.aws.amazon.com/kms/latest/APIReference/)."""

from lakemill.services.kms.service import Kms

__all__ = ["Kms"]
