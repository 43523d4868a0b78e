"""What etcd's members and the API servers show each other: an authority of its own, and certificates of it.

Whoever has a certificate of that authority may read and write all that the cluster stores, so it is not the cluster's,
which makes kubelets and users. Its key stays on the controller. https://etcd.io/docs/v3.4/op-guide/security/
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from podlab.deploy import rotation
from podlab.deploy.certificates import LOOPBACK
from podlab.pki import ensure_ca, ensure_certificate

FOLDER = "etcd"
AUTHORITY = "podlab-etcd-ca"
MEMBER, MEMBER_USER = "etcd", "podlab-etcd"
"""The files of a member, and the name by which the other members know one."""
CLIENT, CLIENT_USER = "etcd-client", "podlab-apiserver"


def advance(directory: Path, step: str) -> bool:
    """Take the authority a step further (podlab.deploy.rotation); whether that changed what is trusted.

    Raises PkiError, OSError.
    """
    return rotation.advance(directory / FOLDER, AUTHORITY, step)


def ensure(directory: Path, members: Mapping[str, str], masters: Iterable[str]) -> list[str]:
    """Make what is missing or no longer right in the PKI's directory; the names of what was made.

    `members` are the hosts that etcd runs on, name to address; nothing is made where there are none.
    """
    if not members:
        return []
    made = [] if (directory / FOLDER / "ca.crt").exists() else [f"{FOLDER}/ca"]
    ca = ensure_ca(directory / FOLDER, AUTHORITY)
    for host, address in members.items():
        if ensure_certificate(ca, directory / host, MEMBER, MEMBER_USER, (), (host, address, *LOOPBACK)):
            made.append(f"{host}/{MEMBER}")
    for master in masters:
        if ensure_certificate(ca, directory / master, CLIENT, CLIENT_USER, (), ()):
            made.append(f"{master}/{CLIENT}")
    return made
