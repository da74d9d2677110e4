"""IAM: users, groups, roles, their keys and policies (https://docs.aws.amazon.com/IAM/latest/APIReference/).

The work is done by engines/identity. Console passwords, MFA devices, SAML and OIDC providers, certificates and reports
are not provided.
"""

from lakemill.services.iam.service import Iam

__all__ = ["Iam"]
