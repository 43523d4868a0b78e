"""What both sides of Podlab share: API, client, certificates; and on top of those the command line and the lab."""

__version__ = "0.1.0"
KUBERNETES_MINOR = "36"
"""Of Kubernetes' release 1 whose API and behaviour these are."""
GIT_VERSION = f"v1.{KUBERNETES_MINOR}.0+podlab.{__version__}"
"""What the API server and kubelets say that they are."""
