"""What is wrong with the pool of addresses for load balancers: its entries, and who has some of its addresses. Pure."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from podlab.api.values.addresspool import FORMS, AddressPool, PoolError, parse_pool
from podlab.deploy.preflight.checks.cluster import WHOLE_INVENTORY
from podlab.deploy.preflight.checks.requirements import VariableError, networks
from podlab.deploy.preflight.finding import Finding, error, warning
from podlab.deploy.preflight.hosts.facts import Facts, Host

VARIABLE: Final = "podlab_load_balancer_pool"
_FREE: Final = f"leave its address out of {VARIABLE}, or give the host another one"


def pool_of(host: Host) -> AddressPool:
    """Raises VariableError."""
    value = host.variables.get(VARIABLE) or []
    if not isinstance(value, list):
        raise VariableError(f"{VARIABLE} is {value!r}, not a list; give a list, each {FORMS}")
    try:
        return parse_pool(value)
    except PoolError as wrong:
        raise VariableError(f"{VARIABLE}: {wrong}") from wrong


def check_pool(hosts: Sequence[Host]) -> Iterator[Finding]:
    """What the inventory itself shows."""
    pools: set[AddressPool] = set()
    for host in hosts:
        if isinstance(host.variables.get(VARIABLE), str):
            continue  # told with all other variables that are text
        try:
            pools.add(pool_of(host))
        except VariableError as wrong:
            yield error(host.name, "variable", str(wrong), "correct it in the inventory")
    if len(pools) > 1:
        yield error(
            WHOLE_INVENTORY, "load balancers", f"{VARIABLE} is not the same for all hosts", "set it once, for all"
        )
        return
    for pool in pools:
        yield from _overlaps(hosts, pool)
        for host in hosts:
            if (entry := pool.range_of(host.cluster_address)) is not None:
                cause = f"its address {host.cluster_address} is in {VARIABLE} ({entry.text})"
                yield error(host.name, "load balancers", cause, _FREE)


def check_pool_on_hosts(hosts: Sequence[Host], facts: Mapping[str, Facts]) -> Iterator[Finding]:
    """What the hosts that were reached show. A pool that cannot be read was told of before they were asked."""
    try:
        pools = {pool_of(host) for host in hosts}
    except VariableError:
        return
    for pool in pools:
        for name, fact in facts.items():
            yield from _taken(name, fact, pool)
        nodes = [facts[host.name] for host in hosts if "nodes" in host.groups and host.name in facts]
        yield from _out_of_reach(pool, nodes)


def _overlaps(hosts: Sequence[Host], pool: AddressPool) -> Iterator[Finding]:
    try:
        clusters = {networks(host) for host in hosts}
    except VariableError:
        return
    for asked in clusters:
        if asked.pods_ipv6 is None and "IPv6" in pool.families:
            six = ", ".join(each.text for each in pool.ranges if each.family == "IPv6")
            remedy = "leave them out, or give podlab_pod_cidr and podlab_service_cidr of both families"
            yield error(WHOLE_INVENTORY, "load balancers", f"{VARIABLE} has {six}, and the cluster no IPv6", remedy)
        of_pods, of_services = (asked.pods, asked.pods_ipv6), (asked.services, asked.services_ipv6)
        for variable, given in (("podlab_pod_cidr", of_pods), ("podlab_service_cidr", of_services)):
            present = [network for network in given if network is not None]
            for entry, network in itertools.product(pool.ranges, present):
                if entry.overlaps(network):
                    cause = f"{VARIABLE} ({entry.text}) and {variable} {network} overlap"
                    remedy = "give addresses of the nodes' own network that nothing else uses"
                    yield error(WHOLE_INVENTORY, "load balancers", cause, remedy)


def _taken(name: str, fact: Facts, pool: AddressPool) -> Iterator[Finding]:
    own = [(subnet.address, subnet.device) for subnet in fact.subnets if subnet.address]
    own += [(str(interface.ip), device) for interface, device in fact.ipv6 or ()]
    for address, device in own:
        if (entry := pool.range_of(address)) is not None:
            cause = f"it has the address {address} on {device}, which is in {VARIABLE} ({entry.text})"
            yield error(name, "load balancers", cause, _FREE)
    for gateway in dict.fromkeys(subnet.gateway for subnet in fact.subnets):
        if gateway and (entry := pool.range_of(gateway)) is not None:
            cause = f"its router has the address {gateway}, which is in {VARIABLE} ({entry.text})"
            yield error(name, "load balancers", cause, f"leave it out of {VARIABLE}")


def _out_of_reach(pool: AddressPool, nodes: Sequence[Facts]) -> Iterator[Finding]:
    """Neighbours ask for addresses of their own network; others are asked for only where a router was told to."""
    if not nodes:
        return
    near: list[IPv4Network | IPv6Network] = []
    for fact in nodes:
        near += [subnet.network for subnet in fact.subnets if subnet.address]
        near += [interface.network for interface, _ in fact.ipv6 or ()]
    for entry in pool.ranges:
        if not any(entry.overlaps(network) for network in near):
            cause = f"{VARIABLE} ({entry.text}) is in no network that a node has an address in"
            remedy = "clients reach it only where a router has a route to it on the nodes' network; else give others"
            yield warning(WHOLE_INVENTORY, "load balancers", cause, remedy)
