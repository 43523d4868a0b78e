"""What preflight knows of the hosts: as small values, read from the inventory and from what the probe printed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface
from typing import Any

from podlab.deploy.preflight.hosts import authorities
from podlab.deploy.preflight.hosts.authorities import Authority
from podlab.deploy.release.jumps import ReleaseVersion


@dataclass(frozen=True, kw_only=True)
class Host:
    """A host as the inventory describes it."""

    name: str
    groups: frozenset[str] = frozenset()
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where Ansible reaches it."""
        return str(self.variables.get("ansible_host") or self.variables.get("ansible_ssh_host") or self.name)

    @property
    def cluster_address(self) -> str:
        """Where the other hosts reach it."""
        return str(self.variables.get("podlab_address") or self.address)


@dataclass(frozen=True)
class Listener:
    port: int
    process: str = ""
    pid: int = 0
    unit: str = ""


@dataclass(frozen=True)
class Subnet:
    """An IPv4 network that a host has a way to; `address` is its own there, where it has one."""

    network: IPv4Network
    device: str
    gateway: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The containerd that a host has. `containers` counts them by namespace; `ours`: Podlab has been deployed there."""

    active: bool = False
    spares_containers: bool = True
    configured: bool = False
    containers: Mapping[str, int] = field(default_factory=dict)
    ours: bool = False


@dataclass(frozen=True, kw_only=True)
class LinkManagers:
    """Who gives a host's links their settings; None: this one does not run there.

    `networkd` are the files that systemd-networkd reads before Podlab's, by path and in their order; `dhcpcd` are the
    links that it leaves alone and those that it is limited to, `deny` and `allow`.
    """

    networkd: Mapping[str, str] | None = None
    dhcpcd: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Membership:
    """Which cluster a host belongs to: the authorities that it believes, none on a bare host, and the names it has."""

    authorities: tuple[Authority, ...] = ()
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FileSystem:
    """A file system that some of the directories are on, or will be, that Podlab writes to."""

    directories: tuple[str, ...]
    free_bytes: int
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Inotify:
    """How many inotify instances a user may have, and whether the host itself may raise that number."""

    instances: int
    raisable: bool = True


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What one host said of itself. `clock_ahead_s` bounds how far its clock is ahead of the controller's.

    `made_with` are name and networks of the cluster that it is part of, by the name of their variable; `release` is
    the one in use, and `store_schema` that of its SQLite store, where it has one.
    """

    place: str
    """The running kernel and network namespace: what two names of one host have in common, and nothing else has."""
    root: bool
    python: tuple[int, int, int]
    os_id: str
    os_version: str
    os_name: str
    architecture: str
    kernel: str
    systemd: bool
    hostname: str
    machine_id: str
    cpus: int
    memory_bytes: int
    filesystems: tuple[FileSystem, ...]
    inotify: Inotify
    missing_features: tuple[str, ...]
    cgroup_controllers: frozenset[str]
    listeners: tuple[Listener, ...]
    name_servers: tuple[Listener, ...]
    """Who takes DNS queries at every IPv4 address."""
    subnets: tuple[Subnet, ...]
    clock_ahead_s: tuple[float, float]
    ipv6: tuple[tuple[IPv6Interface, str], ...] | None = ()
    """Addresses, those of a link alone too, with their networks, and their links; None: the kernel has no IPv6."""
    runtime: Runtime = field(default_factory=Runtime)
    other_kubelets: tuple[str, ...] = ()
    """Services of other Kubernetes that run."""
    link_managers: LinkManagers = field(default_factory=LinkManagers)
    swap_bytes: int = 0
    default_route: bool = True
    """Of IPv4."""
    resolvers: Mapping[str, bool] = field(default_factory=lambda: {"192.0.2.53": True})
    """The name servers of the host itself, and whether each answers; one that does is enough."""
    made_with: Mapping[str, str] = field(default_factory=dict)
    membership: Membership = field(default_factory=Membership)
    release: ReleaseVersion | None = None
    store_schema: int | None = None
    own_store: bool = False
    """Whether an API server's store is a SQLite file there."""
    shared_store: bool = False
    """Whether an API server there has used a store in etcd."""

    @property
    def disk_free_bytes(self) -> int:
        """Of the file system that holds what the cluster stores."""
        return next(each.free_bytes for each in self.filesystems if "/var/lib/podlab" in each.directories)

    @property
    def addresses(self) -> frozenset[str]:
        return frozenset(subnet.address for subnet in self.subnets if subnet.address)


@dataclass(frozen=True)
class Unusable:
    """A host of which nothing is known, with the cause and what to do."""

    cause: str
    remedy: str


def parse_facts(printed: Mapping[str, Any], *, sent_at: float, received_at: float) -> Facts:
    """Facts from the probe's JSON; the times are the controller's, before and after the probe ran."""
    major, minor, micro = printed["python"]
    same = ("place", "root", "systemd", "hostname", "machine_id", "architecture", "kernel")
    release = ("os_id", "os_version", "os_name")
    amounts = ("cpus", "memory_bytes", "swap_bytes", "default_route", "resolvers")
    return Facts(
        python=(major, minor, micro),
        missing_features=tuple(printed["missing_features"]),
        cgroup_controllers=frozenset(printed["cgroup_controllers"]),
        listeners=tuple(Listener(**listener) for listener in printed["listeners"]),
        name_servers=tuple(Listener(**listener) for listener in printed["name_servers"]),
        subnets=tuple(_subnet(subnet) for subnet in printed["subnets"]),
        filesystems=tuple(
            FileSystem(**{**each, "directories": tuple(each["directories"])}) for each in printed["filesystems"]
        ),
        inotify=Inotify(**printed["inotify"]),
        runtime=Runtime(**printed["runtime"]),
        other_kubelets=tuple(printed["other_kubelets"]),
        link_managers=LinkManagers(**printed["link_managers"]),
        ipv6=None if printed["ipv6"] is None else tuple(map(_ipv6, printed["ipv6"])),
        made_with=printed["made_with"],
        membership=Membership(
            authorities=authorities.parse(printed["membership"]["authorities"]),
            clusters=tuple(printed["membership"]["clusters"]),
        ),
        release=ReleaseVersion.parse(printed["release"]),
        store_schema=printed["store_schema"],
        own_store=printed["own_store"],
        shared_store=printed["shared_store"],
        clock_ahead_s=(printed["clock_ended"] - received_at, printed["clock_started"] - sent_at),
        **{name: printed[name] for name in same + release + amounts},
    )


def _ipv6(printed: str) -> tuple[IPv6Interface, str]:
    address, link = printed.split()
    return IPv6Interface(address), link


def _subnet(printed: Mapping[str, str]) -> Subnet:
    interface = IPv4Interface(printed["network"])
    own = str(interface.ip) if printed["kind"] == "address" else ""
    return Subnet(interface.network, printed["device"], printed["gateway"], own)
