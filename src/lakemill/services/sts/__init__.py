"""STS: who calls, and temporary credentials (https://docs.aws.amazon.com/STS/latest/APIReference/).

The work is done by engines/identity. Web identities and SAML are not provided.
"""

from lakemill.services.sts.service import Sts

__all__ = ["Sts"]
