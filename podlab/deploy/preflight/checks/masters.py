"""What is wrong with how several masters are to work together: their etcd, and one address for all of them. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address, ip_address
from typing import Final

from podlab.api.values.names import rfc1123_subdomain
from podlab.deploy.preflight.checks.cluster import WHOLE_INVENTORY
from podlab.deploy.preflight.finding import Finding, error, warning
from podlab.deploy.preflight.hosts.facts import Facts, Host
from podlab.deploy.preflight.hosts.hostvars import ETCD, FLOATING_ADDRESS

ENDPOINTS: Final = "podlab_etcd_endpoints"
_SHARED: Final = (
    ENDPOINTS,
    "podlab_etcd_prefix",
    "podlab_etcd_user",
    "podlab_etcd_ca",
    "podlab_etcd_cert",
    "podlab_etcd_key",
    "podlab_endpoint",
    FLOATING_ADDRESS,
    "keepalived_router_id",
)
"""What all masters have to have the same of."""
_ENDPOINT: Final = re.compile(r"(?P<scheme>https?)://(?P<host>[^/:\s]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")


def check_masters(groups: Mapping[str, Sequence[str]], hosts: Sequence[Host]) -> Iterator[Finding]:
    """What the inventory itself shows; `groups` holds all of its groups."""
    masters = [host for host in hosts if "masters" in host.groups]
    for name in _SHARED:
        if len({str(host.variables.get(name) or "") for host in masters}) > 1:
            yield error(WHOLE_INVENTORY, "variable", f"{name} is not the same for all masters", "set it once, for all")
            return
    if not masters:
        return
    variables = masters[0].variables
    yield from _existing_etcd(groups, variables)
    yield from _endpoint(str(variables.get("podlab_endpoint") or ""))
    yield from _floating(str(variables.get(FLOATING_ADDRESS) or ""), hosts)


def _existing_etcd(groups: Mapping[str, Sequence[str]], variables: Mapping[str, object]) -> Iterator[Finding]:
    endpoints = variables.get(ENDPOINTS) or []
    if not isinstance(endpoints, list) or not endpoints:  # its type is told by whoever looks at types
        return
    if groups.get(ETCD):
        cause = f"{ENDPOINTS} names an etcd that is there, and the group {ETCD} has {', '.join(groups[ETCD])}"
        yield error(WHOLE_INVENTORY, "etcd", cause, "leave one of them out")
    matches = [_ENDPOINT.fullmatch(str(each)) for each in endpoints]
    for each, match in zip(endpoints, matches, strict=True):
        if match is None or not 0 < int(match["port"]) < 1 << 16:
            yield error(WHOLE_INVENTORY, "etcd", f"{ENDPOINTS}: {each} is no endpoint", "write https://192.0.2.31:2379")
    if len(schemes := {match["scheme"] for match in matches if match is not None}) > 1:
        yield error(WHOLE_INVENTORY, "etcd", f"{ENDPOINTS} has http and https", "write the same for all of them")
    ca, cert, key = (bool(variables.get(f"podlab_etcd_{name}")) for name in ("ca", "cert", "key"))
    if schemes == {"https"} and not ca:
        cause = f"{ENDPOINTS} is https, and podlab_etcd_ca does not say who signed its certificates"
        yield error(WHOLE_INVENTORY, "etcd", cause, "name the authority's file on this machine")
    if cert != key:
        cause = f"podlab_etcd_{'cert' if cert else 'key'} is there without podlab_etcd_{'key' if cert else 'cert'}"
        yield error(WHOLE_INVENTORY, "etcd", cause, "give both or neither")


def _endpoint(endpoint: str) -> Iterator[Finding]:
    host, port = split_endpoint(endpoint)
    if endpoint and (not _is_host(host) or not port.isdecimal() or not 0 < int(port) < 1 << 16):
        cause = f"podlab_endpoint is {endpoint}, not a host name or address, with a port or without"
        yield error(WHOLE_INVENTORY, "variable", cause, "write it as api.example.org or 192.0.2.10:6443")


def _floating(address: str, hosts: Sequence[Host]) -> Iterator[Finding]:
    """Whether the address can be nobody's but the masters'."""
    if not address:
        return
    try:
        IPv4Address(address)
    except AddressValueError:
        yield error(
            WHOLE_INVENTORY,
            "variable",
            f"{FLOATING_ADDRESS} is {address}, not an IPv4 address",
            "write it as 192.0.2.10",
        )
        return
    if taken := [host.name for host in hosts if host.cluster_address == address]:
        cause = f"{FLOATING_ADDRESS} is {address}, which is the address of {', '.join(taken)}"
        yield error(WHOLE_INVENTORY, "variable", cause, "choose one of the masters' segment that nobody has")


def split_endpoint(endpoint: str) -> tuple[str, str]:
    """Host and port; 6443 where none is given."""
    host, colon, port = endpoint.partition(":")
    return host, port if colon else "6443"


def _is_host(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return not rfc1123_subdomain(host)
    return True


def check_masters_on_hosts(
    hosts: Sequence[Host], facts: Mapping[str, Facts], *, migrates: bool = False
) -> Iterator[Finding]:
    """What the hosts show, and what is not wrong, but hardly meant. `migrates`: the store is moved to where the
    inventory has it."""
    members = [host.name for host in hosts if ETCD in host.groups]
    if members and len(members) % 2 == 0:
        bears = (len(members) - 1) // 2
        yield warning(
            WHOLE_INVENTORY,
            "etcd",
            f"etcd has {len(members)} members, and bears the loss of {bears}, as {len(members) - 1} would",
            "add one or leave one out: 3 bear the loss of one, 5 that of two",
        )
    if not migrates:
        yield from _stores_elsewhere(hosts, facts, in_etcd=bool(members) or _has_etcd(hosts))


def _has_etcd(hosts: Sequence[Host]) -> bool:
    return any(host.variables.get(ENDPOINTS) for host in hosts)


def _stores_elsewhere(hosts: Sequence[Host], facts: Mapping[str, Facts], *, in_etcd: bool) -> Iterator[Finding]:
    """A store that is not where the inventory has it: the cluster would begin empty, and every node end its pods."""
    for host in hosts:
        if "masters" not in host.groups or host.name not in facts:
            continue
        known = facts[host.name]
        if known.own_store and in_etcd:
            cause = "its API server's store is a SQLite file, of which etcd has nothing: the cluster would begin empty"
        elif known.shared_store and not in_etcd:
            cause = "its API server's store is in etcd, and this inventory has none: the cluster would begin empty"
        else:
            continue
        remedy = "migrate-store.yml moves it (docs/several-masters.md); or run reset.yml to begin anew"
        yield error(host.name, "store", cause, remedy)
