"""What Podlab needs of its hosts, and which inventory variables change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final

from podlab import ports
from podlab.api.values import ipfamilies
from podlab.api.values.specialnetworks import special
from podlab.deploy.preflight.hosts.facts import Host

SYSTEMS: Final = {"debian": 12.0, "ubuntu": 22.04}
"""Distribution to its oldest supported release."""

PYTHON: Final = (3, 11)
CONTROLLERS: Final = ("cpu", "memory", "pids")
CLOCK_SKEW_S: Final = 2.0

PORTS: Final[Mapping[str, Mapping[int, str]]] = {
    "masters": {
        ports.REST: "apiserver",
        ports.APISERVER: "apiserver",
        ports.SCHEDULER: "scheduler",
        ports.CONTROLLERS: "controllers",
    },
    "nodes": {ports.KUBELET: "kubelet", ports.KUBELET_HTTPS: "kubelet", ports.PROXY: "proxy", ports.DNS: "dns"},
    "etcd": {ports.ETCD: "etcd", ports.PEERS: "etcd"},
}
"""Group to the ports that its components listen on."""

SERVED: Final[Mapping[str, Mapping[int, str]]] = {
    "ingress": {80: "Ingress", 443: "Ingress", 8404: "Ingress (routes and metrics)"},
    "keepalived": {},
    "registry": {ports.REGISTRY: "registry"},
}
"""Group to the ports that it listens on for others than components."""

WAYS: Final[tuple[tuple[str, str, tuple[int, ...]], ...]] = (
    ("masters", "masters", (ports.REST, ports.APISERVER)),
    ("nodes", "masters", (ports.REST, ports.APISERVER)),
    ("masters", "nodes", (ports.KUBELET, ports.PROXY, ports.DNS)),
    ("masters", "masters", (ports.SCHEDULER,)),
    ("masters", "etcd", (ports.ETCD,)),
    ("etcd", "etcd", (ports.ETCD, ports.PEERS)),
    ("nodes", "registry", (ports.REGISTRY,)),
)
"""Which hosts must reach which ports of which others (docs/ports.md), at `podlab_address`, themselves included.

A scheduler is asked at its own host's loopback, and by other masters."""

OWN_UNITS: Final = "podlab-"
"""How the names of Podlab's own units begin: a port that one of them holds is not taken."""

PORT_TRIAL: Final = "podlab-ports"
"""What preflight's own process is called that holds ports while hosts try them (`port_trial.NAME`)."""

OWN_LINKS: Final = ("podlab0", "podlab-dns", "podlab-vxlan")
"""What an earlier run made: the bridge for the pods of a node, the links with the DNS address and for VXLAN."""

_MIB: Final = 1 << 20


INOTIFY_INSTANCES: Final = 1024
"""What a node full of pods takes: containerd, its shims and many programs in pods have some each (network role)."""


_MOST_NODE_BITS: Final = 16
"""As Kubernetes, at most 2^16 nodes."""
_NODE_PREFIXES: Final = {4: 24, 6: 64}
"""Of the network that each node gets out of the pods', by version of IP (`controllers.yaml` of role master)."""
_SERVICE_BITS: Final = (4, 20)
"""The cluster's DNS has the tenth address; the upper bound is Kubernetes'."""
_EXAMPLES: Final = {4: "10.244.0.0/16", 6: "fd00:10:244::/56"}


class VariableError(Exception):
    """An inventory variable has a value that preflight cannot use."""


@dataclass(frozen=True)
class Amounts:
    """`room_bytes` is what must be free for each directory; a directory of 0 must at least take files."""

    memory_bytes: int
    room_bytes: Mapping[str, int]


@dataclass(frozen=True)
class Networks:
    """Those of IPv6 are both there, or neither is."""

    pods: IPv4Network
    services: IPv4Network
    pods_ipv6: IPv6Network | None = None
    services_ipv6: IPv6Network | None = None


def required_amounts(host: Host) -> Amounts:
    """A master holds the store and three components, a node the agents and the pods."""
    master = "masters" in host.groups
    return Amounts(
        memory_bytes=_mebibytes(host, "preflight_memory_mib", 768 if master else 512) * _MIB,
        room_bytes=_room(host),
    )


def _room(host: Host) -> dict[str, int]:
    """A release takes some 100 MiB of /opt/podlab, and the one before it stays until the new one runs."""
    stored = _mebibytes(host, "preflight_disk_mib", 2048) * _MIB
    room = {
        "/var/lib/podlab": stored,
        "/opt/podlab": min(256 * _MIB, stored),
        "/var/log": min(128 * _MIB, stored),
        "/etc": 0,
    }
    if "nodes" in host.groups:
        room |= {"/var/lib/containerd": stored, "/usr": 0}  # images, and the packages of the runtime
    return room


def networks(host: Host) -> Networks:
    """Raises VariableError."""
    pods, pods_ipv6 = _pair(host, "podlab_pod_cidr", "10.244.0.0/16")
    services, services_ipv6 = _pair(host, "podlab_service_cidr", "10.96.0.0/16")
    if (pods_ipv6 is None) is not (services_ipv6 is None):
        raise VariableError(
            f"podlab_pod_cidr is {_told(pods, pods_ipv6)} and podlab_service_cidr is {_told(services, services_ipv6)}: "
            "of both families is either none or each"
        )
    for network in (pods, pods_ipv6):
        _check_pods(network)
    for network in (services, services_ipv6):
        _check_services(network)
    return Networks(pods, services, pods_ipv6, services_ipv6)


def most_nodes(network: IPv4Network | IPv6Network) -> int:
    """How many nodes get a part of this network of pods."""
    return 1 << _NODE_PREFIXES[network.version] - network.prefixlen


def _check_pods(network: IPv4Network | IPv6Network | None) -> None:
    """Raises VariableError."""
    if network is None:
        return
    _check_ordinary("podlab_pod_cidr", network)
    part = _NODE_PREFIXES[network.version]
    if not part - _MOST_NODE_BITS <= network.prefixlen <= part:
        raise VariableError(
            f"podlab_pod_cidr has {network}: each node gets a /{part} of it, so that /{part - _MOST_NODE_BITS} to "
            f"/{part} is wanted, such as {_EXAMPLES[network.version]}"
        )


def _check_services(network: IPv4Network | IPv6Network | None) -> None:
    """Raises VariableError."""
    if network is None:
        return
    _check_ordinary("podlab_service_cidr", network)
    least, most = _SERVICE_BITS
    bits = network.max_prefixlen - network.prefixlen
    if bits > most:
        largest = network.max_prefixlen - most
        raise VariableError(f"podlab_service_cidr has {network}, which is too large: /{largest} is the largest")
    if bits < least:
        smallest = network.max_prefixlen - least
        raise VariableError(
            f"podlab_service_cidr has {network}, which is too small: /{smallest} is the smallest, of which the "
            "cluster's DNS gets the tenth address"
        )


def _check_ordinary(variable: str, network: IPv4Network | IPv6Network) -> None:
    """Raises VariableError."""
    if what := special(network):
        raise VariableError(
            f"{variable} has {network}, which overlaps {what}: give a private network, as 10.0.0.0/8 has"
        )


def uses_vxlan(host: Host) -> bool:
    """Whether pods' packets may leave or come to the host in VXLAN."""
    ours = host.variables.get("podlab_network", "podlab") == "podlab"
    return ours and "nodes" in host.groups and host.variables.get("podlab_network_overlay", "auto") != "never"


def _mebibytes(host: Host, name: str, default: int) -> int:
    value: Any = host.variables.get(name, default)
    if isinstance(value, bool) or not str(value).isdecimal():
        raise VariableError(f"{name} is {value!r}, not a whole number of MiB")
    return int(value)


def _pair(host: Host, name: str, default: str) -> tuple[IPv4Network, IPv6Network | None]:
    """The network of IPv4, and that of IPv6 if there is one."""
    value = host.variables.get(name, default)
    wanted = f"not an IPv4 network such as {default}, nor that with a comma and a network of IPv6 behind it"
    try:
        first, *others = ipfamilies.networks(str(value))
    except ValueError as error:
        raise VariableError(f"{name} is {value!r}, {wanted}: {error}") from error
    second = others[0] if others else None
    if not isinstance(first, IPv4Network) or isinstance(second, IPv4Network):
        raise VariableError(f"{name} is {value!r}, {wanted}: that of IPv4 comes first")
    return first, second


def _told(first: IPv4Network, second: IPv6Network | None) -> str:
    return f"{first},{second}" if second is not None else str(first)
