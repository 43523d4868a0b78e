"""Ends flows of UDP and SCTP that the kernel still sends to endpoints that are gone.

The kernel applies the rules only to a flow's first packet. A client that goes on sending would keep an endpoint that is
gone, or a refused cluster IP, for as long as it sends; TCP's are ended by their peers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from itertools import chain

from node.family import IPV4, Family
from node.flows import Flow, FlowTable
from node.proxy.exposures import Delta
from node.proxy.frontends import Place

LOOPBACK = "127."  # node ports are open there, too

# A place of a Service -> ip:port of each endpoint that its flows may go to
Endpoints = Mapping[Place, frozenset[str]]


class ConntrackError(Exception):
    """The kernel's table of flows could not be read or changed."""


def unsettled(delta: Delta) -> Endpoints:
    """The places whose flows may have to end, as TCP's do by themselves: nothing answers at one that is gone."""
    gone = {frontend.place: frozenset[str]() for frontend in delta.gone if frontend.protocol != "tcp"}
    return gone | {frontend.place: frontend.reachable for frontend in delta.new if frontend.protocol != "tcp"}


def stale(flows: Iterable[Flow], wanted: Endpoints, own: Collection[str]) -> list[Flow]:
    """The flows to a Service's port that do not end at one of its endpoints. Other flows are left alone.

    `own` are the node's addresses, on which node ports are open.
    """
    found = []
    for flow in flows:
        endpoints = wanted.get((flow.destination, flow.protocol, flow.destination_port))
        if endpoints is None and (flow.destination in own or flow.destination.startswith(LOOPBACK)):
            endpoints = wanted.get(("", flow.protocol, flow.destination_port))
        if endpoints is not None and flow.endpoint not in endpoints:
            found.append(flow)
    return found


async def end_stale(wanted: Endpoints, own: Collection[str], family: Family = IPV4) -> int:
    """Ends the stale flows of the family and returns their number. Raises ConntrackError."""
    if not wanted:
        return 0
    return await asyncio.to_thread(_end_stale, dict(wanted), own, family)


def _end_stale(wanted: Endpoints, own: Collection[str], family: Family) -> int:
    try:
        with FlowTable() as table:
            protocols = sorted({protocol for _, protocol, _ in wanted})
            flows = chain.from_iterable(table.flows((family,), protocol=each) for each in protocols)
            ended = stale(flows, wanted, own)
            for flow in ended:
                table.end(flow)
    except OSError as error:
        raise ConntrackError(f"flows: {error}") from error
    return len(ended)
