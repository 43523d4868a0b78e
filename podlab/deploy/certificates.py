"""Which certificates a cluster has: one for each component on each host, and one for the administrator.

The common name is the user that the API server sees, the organizations are the user's groups.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from podlab.api.values.ipfamilies import networks
from podlab.pki import ensure_ca, ensure_certificate, forget_certificate

APISERVER_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "podlab-apiserver",
)
REGISTRY_NAME = "registry.podlab.local"
# Of a rotation: all certificates anew, or what podlab.deploy.rotation has of authorities.
RENEW = "renew"
STEPS = (RENEW, "trust", "sign", "alone")
LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Certificate:
    """A certificate that the cluster needs; `folder` is the host it is for, or empty for the administrator's."""

    folder: str
    name: str
    common_name: str
    organizations: tuple[str, ...]
    hosts: tuple[str, ...] = ()


def wanted(
    masters: Mapping[str, str],
    nodes: Mapping[str, str],
    ingress: Collection[str],
    service_cidr: str,
    endpoints: Collection[str] = (),
    registry: str = "",
) -> Iterator[Certificate]:
    """All certificates of a cluster of these hosts (name to address); those nodes of `ingress` serve Ingresses.

    API servers also answer at `endpoints`, names and addresses that lead to any of them. `registry` is the master that
    serves images; empty where none does.
    """
    yield Certificate("", "admin", "kubernetes-admin", ("system:masters",))
    first_service_address = str(networks(service_cidr)[0][1])
    for host, address in masters.items():
        own = (host, address, *LOOPBACK)
        served = (*own, *masters.values(), *endpoints, first_service_address, *APISERVER_NAMES)
        yield Certificate(host, "apiserver", "system:apiserver", ("system:masters",), served)
        yield Certificate(host, "scheduler", "system:kube-scheduler", (), own)
        yield Certificate(host, "controllers", "system:kube-controller-manager", (), own)
        if host == registry:
            yield Certificate(host, "registry", REGISTRY_NAME, (), (*own, REGISTRY_NAME))
    for host, address in nodes.items():
        own = (host, address, *LOOPBACK)
        yield Certificate(host, "kubelet", f"system:node:{host}", ("system:nodes",), own)
        yield Certificate(host, "proxy", "system:kube-proxy", ("system:node-proxiers",), own)
        yield Certificate(host, "dns", "system:podlab-dns", ("podlab:node-dns",), own)
        if host in ingress:
            yield Certificate(host, "ingress", "system:podlab-ingress", ("podlab:node-ingress",), own)


def of_hosts(certificates: Iterator[Certificate], hosts: Collection[str] | None) -> Iterator[Certificate]:
    """Those of them that are for these hosts, or for nobody's host; all of them where `hosts` is None."""
    return (each for each in certificates if hosts is None or not each.folder or each.folder in hosts)


NODE_CERTIFICATES = ("kubelet", "proxy", "dns", "ingress")


def forget_node(directory: Path, name: str) -> None:
    """See that the next `ensure` makes the node's certificates anew."""
    for each in NODE_CERTIFICATES:
        forget_certificate(directory / name, each)


def forget(directory: Path, certificates: Iterator[Certificate]) -> None:
    """See that the next `ensure` makes all of them anew."""
    for each in certificates:
        forget_certificate(directory / each.folder, each.name)


def ensure(directory: Path, certificates: Iterator[Certificate]) -> list[str]:
    """Make what is missing or no longer right below `directory`; the names of what was made."""
    made = [] if (directory / "ca.crt").exists() else ["ca"]
    ca = ensure_ca(directory)
    for each in certificates:
        folder = directory / each.folder
        if ensure_certificate(ca, folder, each.name, each.common_name, each.organizations, each.hosts):
            made.append(str(Path(each.folder, each.name)))
    return made
