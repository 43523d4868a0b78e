"""What Podlab needs of its hosts, and which inventory variables change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, Final

from podlab import ports
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
    "nodes": {ports.KUBELET: "kubelet", ports.PROXY: "proxy", ports.DNS: "dns"},
}
"""Group to the ports that its components listen on."""

WAYS: Final[tuple[tuple[str, str, tuple[int, ...]], ...]] = (
    ("masters", "masters", (ports.REST, ports.APISERVER)),
    ("nodes", "masters", (ports.REST, ports.APISERVER)),
    ("masters", "nodes", (ports.KUBELET, ports.PROXY, ports.DNS)),
)
"""Which hosts must reach which ports of which others (docs/ports.md), at `podlab_address`, themselves included."""

OWN_UNITS: Final = "podlab-"
"""How the names of Podlab's own units begin: a port that one of them holds is not taken."""

PORT_TRIAL: Final = "podlab-ports"
"""What preflight's own process is called that holds ports while hosts try them (`port_trial.NAME`)."""

OWN_LINKS: Final = ("podlab0", "podlab-dns", "podlab-vxlan")
"""What an earlier run made: the bridge for the pods of a node, the links with the DNS address and for VXLAN."""

_MIB: Final = 1 << 20


INOTIFY_INSTANCES: Final = 1024
"""What a node full of pods takes: containerd, its shims and many programs in pods have some each (network role)."""


class VariableError(Exception):
    """An inventory variable has a value that preflight cannot use."""


@dataclass(frozen=True)
class Amounts:
    """`room_bytes` is what must be free for each directory; a directory of 0 must at least take files."""

    memory_bytes: int
    room_bytes: Mapping[str, int]


@dataclass(frozen=True)
class Networks:
    pods: IPv4Network
    services: IPv4Network


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
    return Networks(
        pods=_network(host, "podlab_pod_cidr", "10.244.0.0/16"),
        services=_network(host, "podlab_service_cidr", "10.96.0.0/16"),
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


def _network(host: Host, name: str, default: str) -> IPv4Network:
    value = host.variables.get(name, default)
    try:
        return IPv4Network(value)
    except ValueError as error:
        raise VariableError(f"{name} is {value!r}, not an IPv4 network such as {default}: {error}") from error
