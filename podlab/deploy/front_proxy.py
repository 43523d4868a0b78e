"""What API servers behind Services know this cluster's API server by: an authority of its own, and a certificate of it.

Whom that certificate names may say in headers for whom it asks, so the authority is not the cluster's: it makes nobody
anything else. Its key stays on the controller. When it is lost, the next deployment makes
another one; extension API servers read it from ConfigMap extension-apiserver-authentication.
https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
"""

from collections.abc import Iterable
from pathlib import Path

from podlab.pki import ensure_ca, ensure_certificate, forget_certificate

FOLDER = "front-proxy"
AUTHORITY = "podlab-front-proxy-ca"
CLIENT = "front-proxy-client"


def forget(directory: Path, masters: Iterable[str]) -> None:
    """See that the next `ensure` makes the masters' certificates anew."""
    for master in masters:
        forget_certificate(directory / master, CLIENT)


def ensure(directory: Path, masters: Iterable[str]) -> list[str]:
    """Make what is missing or no longer right in the PKI's directory; the names of what was made."""
    made = [] if (directory / FOLDER / "ca.crt").exists() else [f"{FOLDER}/ca"]
    ca = ensure_ca(directory / FOLDER, AUTHORITY)
    for master in masters:
        if ensure_certificate(ca, directory / master, CLIENT, CLIENT, (), ()):
            made.append(f"{master}/{CLIENT}")
    return made
