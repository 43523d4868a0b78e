"""Types of Secrets that somebody knows, and how what they hold is told.

https://kubernetes.io/docs/concepts/configuration/secret/#secret-types
"""

from typing import Final

TLS: Final = "kubernetes.io/tls"
SERVICE_ACCOUNT_TOKEN: Final = "kubernetes.io/service-account-token"  # noqa: S105
ACCOUNT_NAME: Final = "kubernetes.io/service-account.name"
ACCOUNT_UID: Final = "kubernetes.io/service-account.uid"
"""Annotations of a Secret with a ServiceAccount's token: whose it is."""
DOCKER_KEYS: Final = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
}
"""Types of what is shown to a registry, and where such a Secret holds its JSON."""
