"""What is wrong among hosts: names, ids and addresses used twice, clocks apart, networks that overlap."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from typing import Final, TypeVar

from podlab.deploy.preflight.checks.ipv6 import check_ipv6
from podlab.deploy.preflight.checks.requirements import (
    CLOCK_SKEW_S,
    OWN_LINKS,
    Networks,
    VariableError,
    most_nodes,
    networks,
)
from podlab.deploy.preflight.finding import Finding, error
from podlab.deploy.preflight.hosts.facts import Facts, Host, Subnet

_Value = TypeVar("_Value", bound=Hashable)

WHOLE_INVENTORY: Final = "inventory"
"""The `host` of findings that are no single host's."""


def check_cluster(hosts: Sequence[Host], facts: Mapping[str, Facts]) -> list[Finding]:
    """`facts` lacks the hosts that could not be reached."""
    return [*_used_twice(facts), *_clocks(facts), *_networks(hosts, facts), *check_ipv6(hosts, facts)]


def _used_twice(facts: Mapping[str, Facts]) -> Iterator[Finding]:
    for place, names in _shared((name, fact.place) for name, fact in facts.items()):
        known_as = next(fact.hostname for fact in facts.values() if fact.place == place)
        yield error(
            names[-1],
            "address",
            f"{' and '.join(names)} are one and the same host, which calls itself {known_as}",
            "give each name in the inventory the address of a host of its own (ansible_host)",
        )
    # A machine that is listed twice would be found to share everything with itself.
    machines = {fact.place: (name, fact) for name, fact in facts.items()}.values()
    for hostname, names in _shared((name, fact.hostname) for name, fact in machines):
        yield error(
            names[-1],
            "hostname",
            f"{' and '.join(names)} have the same hostname, {hostname}",
            "name each host differently: hostnamectl set-hostname NAME",
        )
    for machine_id, names in _shared((name, fact.machine_id) for name, fact in machines):
        yield error(
            names[-1],
            "machine-id",
            f"{' and '.join(names)} have the same machine id ({machine_id or 'none at all'}), as copied disks do",
            "on all but one: rm -f /etc/machine-id /var/lib/dbus/machine-id && systemd-machine-id-setup, then reboot",
        )


def _shared(values: Iterable[tuple[str, _Value]]) -> list[tuple[_Value, list[str]]]:
    """Each value that several hosts have, with their names."""
    holders: defaultdict[_Value, list[str]] = defaultdict(list)
    for name, value in values:
        holders[value].append(name)
    return [(value, names) for value, names in holders.items() if len(names) > 1]


def _clocks(facts: Mapping[str, Facts]) -> Iterator[Finding]:
    """Hosts that are each within bounds of the controller, but on different sides of it."""
    if not facts:
        return
    fastest = max(facts, key=lambda name: facts[name].clock_ahead_s[0])
    slowest = min(facts, key=lambda name: facts[name].clock_ahead_s[1])
    low, high = facts[fastest].clock_ahead_s[0], facts[slowest].clock_ahead_s[1]
    apart = low - high
    judged_alone = low > CLOCK_SKEW_S or high < -CLOCK_SKEW_S
    if apart > CLOCK_SKEW_S and not judged_alone:
        yield error(
            fastest,
            "clock",
            f"its clock is {apart:.1f} s ahead of {slowest}'s; certificates and leases bear {CLOCK_SKEW_S:g} s",
            "set both clocks by NTP: apt-get install systemd-timesyncd && timedatectl set-ntp true",
        )


def _networks(hosts: Sequence[Host], facts: Mapping[str, Facts]) -> Iterator[Finding]:
    wanted: dict[str, Networks] = {}
    for host in hosts:
        try:
            wanted[host.name] = networks(host)
        except VariableError as wrong:
            yield error(host.name, "variable", str(wrong), "correct it in the inventory")
    if len(set(wanted.values())) > 1:
        cause = "podlab_pod_cidr and podlab_service_cidr are not the same for all hosts"
        yield error(WHOLE_INVENTORY, "networks", cause, "set them once, for the group all")
        return
    for asked in set(wanted.values()):
        if asked.pods.overlaps(asked.services):
            cause = f"podlab_pod_cidr {asked.pods} and podlab_service_cidr {asked.services} overlap"
            yield error(WHOLE_INVENTORY, "networks", cause, "choose networks that have no address in common")
        if asked.pods_ipv6 and asked.services_ipv6 and asked.pods_ipv6.overlaps(asked.services_ipv6):
            cause = f"podlab_pod_cidr {asked.pods_ipv6} and podlab_service_cidr {asked.services_ipv6} overlap"
            yield error(WHOLE_INVENTORY, "networks", cause, "choose networks that have no address in common")
        yield from _without_pods(asked, sum("nodes" in host.groups for host in hosts))
    gateways = {address for fact in facts.values() for address in fact.addresses}
    for name in (host.name for host in hosts if host.name in facts and host.name in wanted):
        yield from _overlaps(name, facts[name].subnets, wanted[name], gateways)


def _without_pods(asked: Networks, nodes: int) -> Iterator[Finding]:
    """A node that got no part of the pods' network would never be ready."""
    for network in (asked.pods, asked.pods_ipv6):
        if network is not None and (most := most_nodes(network)) < nodes:
            cause = f"podlab_pod_cidr {network} has a part for {most} of the {nodes} nodes"
            yield error(WHOLE_INVENTORY, "networks", cause, "choose a larger network, in which each node gets its part")


def _overlaps(name: str, subnets: Sequence[Subnet], asked: Networks, gateways: set[str]) -> Iterator[Finding]:
    """What a host has a way to must not be where pods or Services shall be, unless an earlier run put it there."""
    seen: set[IPv4Network] = set()
    for subnet in subnets:
        ours = subnet.device in OWN_LINKS or subnet.gateway in gateways
        for variable, network in (("podlab_pod_cidr", asked.pods), ("podlab_service_cidr", asked.services)):
            if subnet.network.overlaps(network) and not ours and subnet.network not in seen:
                seen.add(subnet.network)
                way = f"route through {subnet.gateway}" if subnet.gateway else "network"
                yield error(
                    name,
                    "networks",
                    f"its {way} {subnet.network} on {subnet.device} overlaps {variable} {network}",
                    f"set {variable} in the inventory to a private network that is in use nowhere near",
                )
