"""Follows a packet through what the node has now, with all that the agent knows of Services, pods and policies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from node.network import masquerade
from node.networkpolicy.enforcer import Enforcer
from node.networkpolicy.script import render
from node.networkpolicy.table import Packet as PolicyPacket
from node.networkpolicy.verdict import Policies, Side
from node.networkpolicy.wanted import table_of
from node.nftables import Nft
from node.proxy.stack import Stack
from node.tracing import live
from node.tracing.compare import Finding, findings, is_foreign
from node.tracing.follow import ARRIVES, DROPPED, Followed, Landing, Step, Surroundings, follow
from node.tracing.iptables_rules import wanted_tables
from node.tracing.packet import Packet
from node.tracing.tables import NFTABLES, Table
from node.tracing.words import Names, says
from podlab.v1 import proxy_pb2

MOST_WAYS = 50
"""For so many endpoints the route is asked; a page has no room for more."""


class Tracer:
    """Of one family of addresses."""

    def __init__(self, stack: Stack, enforcer: Enforcer, nft: Nft) -> None:
        self._stack = stack
        self._enforcer = enforcer
        self._nft = nft

    async def trace(self, source: str, destination: str, port: int, protocol: str) -> proxy_pb2.TraceResponse:
        """Raises ValueError for what is no address, CommandError when the kernel's tables cannot be read."""
        family = self._stack.node.family
        around = await live.surroundings(family)
        packet = Packet(
            source,
            destination,
            port,
            protocol,
            local=destination in around.addresses,
            from_node=source in around.addresses,
            coming_in=around.going_out(source),
        )
        standing = await live.tables(family, self._nft)
        wanted = await asyncio.to_thread(self._wanted, standing)
        found = await asyncio.to_thread(follow, standing, packet, around)
        wished = await asyncio.to_thread(follow, wanted, packet, around)
        return await self._said(packet, around, found, findings(standing, wanted, found, wished))

    def _wanted(self, standing: Sequence[Table]) -> list[Table]:
        """What the agents of this node want to stand there. The network's rules are another agent's, if it has any."""
        node = self._stack.node
        wanted = [*self._stack.backend.wanted()(), table_of(render(self._enforcer.table))]
        if any(masquerade.EGRESS in table.chains for table in standing):
            wanted += wanted_tables(masquerade.render(node.cluster_cidr), node.family.nft)
        return _joined(wanted)

    async def _said(
        self, packet: Packet, around: Surroundings, found: Followed, differences: Sequence[Finding]
    ) -> proxy_pb2.TraceResponse:
        names = Names(self._service, self._pod)
        policies = self._enforcer.policies(around.addresses)
        return proxy_pb2.TraceResponse(
            steps=[_step(each, names) for each in found.steps],
            endpoints=found.endpoints,
            rejected=found.rejected,
            masqueraded=found.masqueraded,
            dropped=found.dropped,
            landings=[await self._landing(each, names, policies, around) for each in found.landings[:MOST_WAYS]],
            findings=[proxy_pb2.TraceFinding(kind=each.kind, where=each.where, what=each.what) for each in differences],
            service=self._service(packet),
            backend=self._stack.backend.name,
        )

    async def _landing(
        self, landing: Landing, names: Names, policies: Policies, around: Surroundings
    ) -> proxy_pb2.TraceLanding:
        packet = landing.packet
        pod = self._enforcer.pod_at(packet.destination)
        stopped = landing.verdict != ARRIVES
        return proxy_pb2.TraceLanding(
            address=packet.place,
            odds=landing.odds,
            verdict=landing.verdict,
            reason=_reason(landing, names) if stopped else "",
            translated=packet.translated,
            masqueraded=landing.masqueraded,
            namespace=pod.namespace if pod is not None else "",
            pod=pod.name if pod is not None else "",
            node=pod.node if pod is not None else "",
            way=[] if stopped else await live.way_to(packet.destination),
            policies=self._policies(packet, policies),
        )

    def _policies(self, packet: Packet, policies: Policies) -> list[proxy_pb2.TracePolicySide]:
        """Each node judges its own pods."""
        verdict = policies.verdict(PolicyPacket(packet.source, packet.destination, packet.protocol, packet.port))
        sides = (("egress", packet.source, verdict.egress), ("ingress", packet.destination, verdict.ingress))
        return [self._side(*each) for each in sides if self._is_here(each[1])]

    def _side(self, direction: str, address: str, side: Side) -> proxy_pb2.TracePolicySide:
        return proxy_pb2.TracePolicySide(
            direction=direction,
            pod=self._pod(address),
            selecting=side.selecting,
            allowing=side.allowing,
            allowed=side.allowed,
        )

    def _is_here(self, address: str) -> bool:
        pod = self._enforcer.pod_at(address)
        return pod is not None and pod.node == self._stack.node.name

    def _service(self, packet: Packet) -> str:
        return self._stack.service_at(packet.destination, packet.protocol, packet.port)

    def _pod(self, address: str) -> str:
        pod = self._enforcer.pod_at(address)
        return f"{pod.namespace}/{pod.name}" if pod is not None else ""


def _joined(tables: Sequence[Table]) -> list[Table]:
    """Tables of one name become one, as iptables has them: jumps of several agents stand in the same base chains."""
    found: dict[tuple[str, str, str], Table] = {}
    for table in tables:
        key = table.key("")[:3]
        known = found.get(key)
        if known is None or table.program == NFTABLES:
            found[key] = table
            continue
        chains = dict(known.chains)
        for name, chain in table.chains.items():
            before = chains.get(name)
            chains[name] = chain if before is None else type(chain)((*before.lines, *chain.lines), chain.hook)
        found[key] = Table(known.program, known.family, known.name, chains, known.maps)
    return list(found.values())


def _step(step: Step, names: Names) -> proxy_pb2.TraceStep:
    made = proxy_pb2.TraceStep(
        chain=step.chain,
        rule=step.line.text,
        table=str(step.table),
        hook=step.hook,
        says=says(step, names),
        odds=step.odds,
        uncertain=step.uncertain,
        foreign=is_foreign(step),
    )
    if step.line.packets >= 0:
        made.packets, made.bytes = step.line.packets, step.line.size_bytes
    return made


def _reason(landing: Landing, names: Names) -> str:
    if landing.by is not None:
        return says(landing.by, names)
    return (
        "dropped: no rule lets it pass, and what the chain does then is to drop" if landing.verdict == DROPPED else ""
    )
