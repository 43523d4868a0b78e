"""What a lab consists of, and every name and address that follows from it. Pure."""

import ipaddress
import re
from dataclasses import asdict, dataclass, replace

from podlab.deploy.debian import DEFAULT_SUITE, SUITES
from podlab.lab.errors import LabError

# Bridges are called pl-<lab> and p2-<lab>, and the kernel allows 15 characters for a link's name.
LAB_NAME = re.compile(r"[a-z][a-z0-9-]{0,10}[a-z0-9]|[a-z]")
HOST_NAME = re.compile(r"[a-z][a-z0-9]{0,14}")

MASTERS_FROM = 11
NODES_FROM = 21
MAX_MASTERS = NODES_FROM - MASTERS_FROM
MAX_NODES = 200
LOAD_BALANCERS_FROM = 230
MAX_LOAD_BALANCERS = 21
MAX_SEGMENTS = 2
IPV6_PREFIX = 0xFD00 << 112  # of addresses that are only used locally: RFC 4193
SUBNETS = tuple(ipaddress.IPv4Network(f"10.99.{third}.0/24") for third in range(1, 255))


@dataclass(frozen=True, kw_only=True)
class LabHost:
    """One lab host: its name inside the lab, its inventory group, its address, and the number of its segment."""

    name: str
    group: str
    address: str
    address_ipv6: str
    segment: int = 1


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A network segment of a lab: a bridge, on which this machine has the first address and is the way out."""

    bridge: str
    network: ipaddress.IPv4Network

    @property
    def gateway(self) -> str:
        return str(self.network[1])

    @property
    def network_ipv6(self) -> ipaddress.IPv6Network:
        """For this segment alone, as its network is, whose address it holds."""
        return ipaddress.IPv6Network((IPV6_PREFIX | int(self.network.network_address) << 80, 64))

    @property
    def gateway_ipv6(self) -> str:
        return str(self.network_ipv6[1])


@dataclass(frozen=True, kw_only=True)
class LabSpec:
    """A lab as asked for. Without a subnet, a free one is chosen when the lab is made.

    With two segments each has half of the subnet, every second node is on the second, and this machine routes.
    """

    name: str = "lab"
    masters: int = 1
    nodes: int = 2
    subnet: str = ""
    segments: int = 1
    dual_stack: bool = False
    """Whether the cluster is to have networks of both families; the hosts have addresses of both anyhow."""
    suite: str = DEFAULT_SUITE
    """The hosts' release of Debian, by its name."""
    isolated: bool = False
    """Whether the hosts reach each other and this machine alone: no package source, registry or time server."""

    def __post_init__(self) -> None:
        check_lab_name(self.name)
        _check_count("masters", self.masters, MAX_MASTERS)
        _check_count("nodes", self.nodes, MAX_NODES)
        if not 1 <= self.segments <= MAX_SEGMENTS:
            raise LabError(f"{self.segments} segments: a lab has 1 to {MAX_SEGMENTS}")
        if self.segments > 1:
            _check_count("nodes on two segments", self.nodes, MAX_NODES // MAX_SEGMENTS)
        if self.masters + self.nodes == 0:
            raise LabError(f"lab {self.name!r} would have no hosts: ask for at least one master or node")
        if self.subnet:
            _network(self.subnet)
        if self.suite not in SUITES:
            raise LabError(f"suite {self.suite!r} is none that lab hosts can have: {', '.join(SUITES)}")

    def with_subnet(self, subnet: str) -> "LabSpec":
        return replace(self, subnet=subnet)

    @property
    def networks(self) -> tuple[Segment, ...]:
        """The lab's segments, the first one first."""
        parts = _network(self.subnet).subnets(self.segments - 1)
        return tuple(
            Segment(bridge=bridge, network=part) for bridge, part in zip(bridge_names(self.name), parts, strict=False)
        )

    @property
    def load_balancers(self) -> str:
        """The range of addresses that Services of type LoadBalancer get: behind those of the last possible node."""
        network = _network(self.subnet)
        return f"{network[LOAD_BALANCERS_FROM]}-{network[LOAD_BALANCERS_FROM + MAX_LOAD_BALANCERS - 1]}"

    @property
    def load_balancers_ipv6(self) -> str:
        """Those of IPv6, on the segment that the others are on."""
        network = self.networks[-1].network_ipv6
        return f"{network[LOAD_BALANCERS_FROM]}-{network[LOAD_BALANCERS_FROM + MAX_LOAD_BALANCERS - 1]}"

    def segment_of(self, host: LabHost) -> Segment:
        return self.networks[host.segment - 1]

    @property
    def hosts(self) -> tuple[LabHost, ...]:
        """Masters m1.. from .11 and nodes n1.. from .21, so that an address tells the host."""
        masters = tuple(self._host("masters", "m", number, MASTERS_FROM) for number in range(1, self.masters + 1))
        nodes = tuple(self._host("nodes", "n", number, NODES_FROM) for number in range(1, self.nodes + 1))
        return masters + nodes

    def host(self, name: str) -> LabHost:
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(f"lab {self.name!r} has no host {name!r}: it has {', '.join(h.name for h in self.hosts)}")

    def _host(self, group: str, letter: str, number: int, first: int) -> LabHost:
        segment = 2 if group == "nodes" and self.segments > 1 and number % 2 == 0 else 1
        at, place = self.networks[segment - 1], first + number - 1
        return LabHost(
            name=f"{letter}{number}",
            group=group,
            address=str(at.network[place]),
            address_ipv6=str(at.network_ipv6[place]),
            segment=segment,
        )

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def check_lab_name(name: str) -> None:
    if not LAB_NAME.fullmatch(name):
        raise LabError(
            f"lab name {name!r} is not usable: at most 12 lower-case letters, digits and inner dashes, a letter first"
        )


def bridge_names(lab: str) -> tuple[str, ...]:
    """Of a lab's segments, whether it has both or not."""
    return tuple(f"p{letter}-{lab}" for letter in ("l", "2"))


def machine_name(lab: str, host: str) -> str:
    """The name of a host on this machine (cgroups, nspawn, mounts). Dots, since lab names may hold dashes."""
    return f"podlab.{lab}.{host}"


def machine_pattern(lab: str) -> re.Pattern[str]:
    """What every machine name of a lab looks like, known or forgotten."""
    return re.compile(re.escape(f"podlab.{lab}.") + HOST_NAME.pattern)


def free_subnet(taken: set[str]) -> str:
    """The first lab subnet that overlaps no network in use on this machine."""
    used = [ipaddress.ip_network(network, strict=False) for network in taken]
    for candidate in SUBNETS:
        if not any(candidate.overlaps(network) for network in used if network.version == candidate.version):
            return str(candidate)
    raise LabError("no free /24 in 10.99.0.0/16: destroy a lab (podlab lab list) or name one with --subnet")


def _check_count(what: str, count: int, most: int) -> None:
    if not 0 <= count <= most:
        raise LabError(f"{count} {what}: a lab has 0 to {most}")


def _network(subnet: str) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(subnet)
    except ValueError as error:
        raise LabError(f"subnet {subnet!r} is not an IPv4 network such as 10.99.1.0/24: {error}") from error
    if network.prefixlen > 24:
        raise LabError(f"subnet {subnet!r} is too small: lab hosts need a /24 or larger")
    return network
