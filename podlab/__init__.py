"""What both sides of Podlab share: API, client, certificates; and on top of those the command line and the lab."""

from pathlib import Path

__version__ = "0.1.0"
KUBERNETES_MINOR = "36"
"""Of Kubernetes' release 1 whose API and behaviour these are."""
_BUILD = Path(__file__).with_name("BUILD")
BUILD = _BUILD.read_text().strip() if _BUILD.is_file() else ""
"""Of which state of the sources a release on a host is: it differs where versions do not. Empty in a checkout."""
GIT_VERSION = f"v1.{KUBERNETES_MINOR}.0+podlab.{__version__}{BUILD and f'.{BUILD}'}"
"""What the API server and kubelets say that they are."""
