"""What resolv.conf says: of the node, and of each pod. Pure, but for reading the node's own.

https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from podlab.core.v1.pod_pb2 import PodDNSConfig, PodSpec

# systemd-resolved's servers, for nodes whose resolv.conf names only its stub on loopback, which pods cannot reach.
RESOLVED = Path("/run/systemd/resolve/resolv.conf")
NODE = Path("/etc/resolv.conf")

MOST_SERVERS = 3
MOST_SEARCHES = 32
MOST_SEARCH_CHARACTERS = 2048
CLUSTER_OPTIONS = ("ndots:5",)


@dataclass(frozen=True)
class ResolvConf:
    """The lines of a resolv.conf(5)."""

    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClusterDns:
    """Where pods ask: the cluster's DNS server, and the cluster's domain."""

    server: str
    domain: str


@dataclass(frozen=True)
class PodResolvConf:
    """A pod's, and what of it had to be left out: a text for an Event for each."""

    conf: ResolvConf
    left_out: tuple[str, ...] = field(default=())


def of_node() -> ResolvConf:
    """The node's own."""
    found = parse(NODE.read_text() if NODE.is_file() else "")
    if found.servers and all(server.startswith("127.") for server in found.servers) and RESOLVED.is_file():
        return parse(RESOLVED.read_text())
    return found


def parse(text: str) -> ResolvConf:
    """The content of a resolv.conf(5)."""
    servers: list[str] = []
    options: list[str] = []
    searches: Sequence[str] = ()
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver":
            servers.append(words[1])
        elif words[0] in ("search", "domain"):
            searches = words[1:]
        elif words[0] == "options":
            options.extend(words[1:])
    return ResolvConf(tuple(servers), tuple(searches), tuple(options))


def of_pod(spec: PodSpec, namespace: str, node: ResolvConf, cluster: ClusterDns) -> PodResolvConf:
    """By the pod's dnsPolicy, with its dnsConfig added, within Kubernetes' limits."""
    policy = spec.dnsPolicy or "ClusterFirst"
    if policy == "None":
        base = ResolvConf()
    elif policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not spec.hostNetwork):
        service = f"svc.{cluster.domain}"
        searches = (f"{namespace}.{service}", service, cluster.domain, *node.searches)
        base = ResolvConf((cluster.server,), _unique(searches), CLUSTER_OPTIONS)
    else:
        base = node
    return _within_limits(_with(base, spec.dnsConfig))


def _with(base: ResolvConf, own: PodDNSConfig) -> ResolvConf:
    options = {option.partition(":")[0]: option for option in base.options}
    for option in own.options:
        options[option.name] = f"{option.name}:{option.value}" if option.value else option.name
    return ResolvConf(
        _unique((*base.servers, *own.nameservers)), _unique((*base.searches, *own.searches)), tuple(options.values())
    )


def _within_limits(wanted: ResolvConf) -> PodResolvConf:
    left_out: list[str] = []
    servers, searches = wanted.servers[:MOST_SERVERS], wanted.searches[:MOST_SEARCHES]
    while len(" ".join(searches)) > MOST_SEARCH_CHARACTERS:
        searches = searches[:-1]
    if servers != wanted.servers:
        left_out.append(
            "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: "
            + " ".join(servers)
        )
    if searches != wanted.searches:
        left_out.append(
            "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: "
            + " ".join(searches)
        )
    return PodResolvConf(ResolvConf(servers, searches, wanted.options), tuple(left_out))


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))
