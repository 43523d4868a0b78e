"""Ends UDP flows that the kernel still sends to endpoints that are gone.

The kernel applies the rules only to a flow's first packet. A UDP client that goes on sending would keep an endpoint
that is gone, or a refused cluster IP, for as long as it sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping

from node.flows import Flow, FlowTable
from node.proxy.rules import DISPATCH, NODE_PORTS, REJECT, Chains

# (cluster IP, or "" for a node port; port) -> ip:port of each endpoint
UdpEndpoints = Mapping[tuple[str, int], frozenset[str]]


class ConntrackError(Exception):
    """The kernel's table of flows could not be read or changed."""


def udp_endpoints(chains: Chains) -> UdpEndpoints:
    """The endpoints that the rules lead to from each UDP port of a Service; none from a refused port."""
    found: dict[tuple[str, int], frozenset[str]] = {}
    for rule in (*chains["nat"][DISPATCH], *chains["nat"][NODE_PORTS]):
        if rule.protocol == "udp":
            found[rule.destination, rule.destination_port] = frozenset(_reachable(chains, rule.target))
    for rule in chains["filter"][REJECT]:
        if rule.protocol == "udp":
            found.setdefault((rule.destination, rule.destination_port), frozenset())
    return found


def _reachable(chains: Chains, chain: str) -> set[str]:
    endpoints: set[str] = set()
    for rule in chains["nat"][chain]:
        if rule.dnat_to:
            endpoints.add(rule.dnat_to)
        elif rule.target in chains["nat"]:
            endpoints |= _reachable(chains, rule.target)
    return endpoints


def stale(flows: Iterable[Flow], wanted: UdpEndpoints, own: Collection[str]) -> list[Flow]:
    """The UDP flows to a Service's port that do not end at one of its endpoints. Other flows are left alone.

    `own` are the node's addresses, on which node ports are open.
    """
    found = []
    for flow in flows:
        if flow.protocol != "udp":
            continue
        endpoints = wanted.get((flow.destination, flow.destination_port))
        if endpoints is None and flow.destination in own:
            endpoints = wanted.get(("", flow.destination_port))
        if endpoints is not None and flow.endpoint not in endpoints:
            found.append(flow)
    return found


async def end_stale(chains: Chains, own: Collection[str]) -> int:
    """Ends the stale flows and returns their number. Raises ConntrackError."""
    wanted = udp_endpoints(chains)
    if not wanted:
        return 0
    return await asyncio.to_thread(_end_stale, wanted, own)


def _end_stale(wanted: UdpEndpoints, own: Collection[str]) -> int:
    try:
        with FlowTable() as table:
            ended = stale(table.flows(), wanted, own)
            for flow in ended:
                table.end(flow)
    except OSError as error:
        raise ConntrackError(f"UDP flows: {error}") from error
    return len(ended)
