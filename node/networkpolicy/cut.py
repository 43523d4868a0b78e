"""Ends the flows that stood before a policy did, and that it does not let pass.

The rules are asked for a flow's first packet alone, since replies must pass. Ended in the kernel's table of flows, a
connection begins anew with its next packet, which the rules drop.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable

from node.family import family_of
from node.flows import Flow, FlowTable
from node.networkpolicy.table import Packet, PolicyTable, passes
from podlab.api.values.ipfamilies import without_port


def forbidden(flows: Iterable[Flow], table: PolicyTable, is_own: Callable[[str], bool]) -> list[Flow]:
    """The flows of isolated pods that the rules would not let begin. Those between a pod and its node, for whose
    addresses `is_own` holds, meet no rules.
    """
    isolated = table.isolated
    found = []
    for flow in flows:
        # Addresses as the rules see them: the client's own, and the endpoint's.
        address, port = without_port(flow.endpoint)
        if flow.source not in isolated and address not in isolated:
            continue
        if not passes(table, Packet(flow.source, address, flow.protocol, int(port))) and not (
            is_own(flow.source) or is_own(address)
        ):
            found.append(flow)
    return found


class FlowCutter:
    """Ends flows in the kernel's table."""

    async def cut(self, table: PolicyTable) -> int:
        """Ends the forbidden flows and returns their number. Raises OSError."""
        return await asyncio.to_thread(_cut, table) if table.isolated else 0


def _cut(table: PolicyTable) -> int:
    with FlowTable() as kernel:
        families = dict.fromkeys(map(family_of, table.isolated))
        ended = forbidden(kernel.flows(families, ends=table.isolated), table, _is_own)
        for flow in ended:
            kernel.end(flow)
    return len(ended)


def _is_own(address: str) -> bool:
    """Whether it is an address of this node: only those can be bound."""
    with socket.socket(family_of(address).number, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind((address, 0))
        except OSError:
            return False
    return True
