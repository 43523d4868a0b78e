"""The rules of one place of a Service: those that its leaf of the tree gets, and the chains that they lead to. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from node.family import Family
from node.proxy.frontends import REJECT, Frontend
from node.proxy.iptables.rule import MARK, Rule

FEW_ENDPOINTS = 4
"""So many are chosen among in the leaf itself; a chain of its own would cost more than it spares."""
# The kernel sends a client one ICMP error a second or so: with many refusals most connections would time out.
_REFUSALS = {"tcp": "tcp-reset"}
MARKING = Rule("MARK", options=f"--set-xmark {MARK}/{MARK}")


@dataclass(frozen=True, slots=True)
class FrontendRules:
    """`rules` are for the leaf, and so are `halves`, of which a packet meets one or the other by even chances.

    `chains` are those that only the rules lead to.
    """

    rules: tuple[Rule, ...] = ()
    halves: tuple[tuple[Rule, ...], tuple[Rule, ...]] = ((), ())
    chains: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)


def count(frontend: Frontend) -> int:
    """How many rules a packet meets in the leaf."""
    if not _is_simple(frontend):
        return 1
    endpoints = len(frontend.endpoints)
    return endpoints if endpoints % 2 else endpoints // 2


def leading_to_endpoints(frontend: Frontend, cluster_cidr: str) -> FrontendRules:
    """For the nat table. What does not come from pods has been marked before, if the place is inside."""
    if _is_simple(frontend):
        return _in_the_leaf(frontend)
    chain = f"PODLAB-S{'VC' if frontend.inside else 'EXT'}-{_id(frontend, frontend.address)}"
    chosen = tuple(_choose(frontend, frontend.endpoints))
    chains: dict[str, tuple[Rule, ...]] = {}
    if frontend.inside:
        chains[chain] = chosen
    elif not frontend.only_local:
        chains[chain] = (MARKING, *chosen)
    else:
        # The policy is for clients outside the cluster. Pods, and the node itself, may use every endpoint.
        everywhere = f"PODLAB-SALL-{_id(frontend, frontend.address)}"
        chains[everywhere] = tuple(_choose(frontend, frontend.everywhere))
        from_pods = [Rule(everywhere, source=cluster_cidr)] if cluster_cidr else []
        from_node = [replace(MARKING, local_source=True), Rule(everywhere, local_source=True)]
        chains[chain] = (*from_pods, *from_node, *chosen)
    if frontend.source_ranges:
        allowed = f"PODLAB-SFW-{_id(frontend, frontend.address)}"
        chains[allowed] = tuple(Rule(chain, source=each) for each in frontend.source_ranges)
        chain = allowed
    return FrontendRules((replace(_at(frontend), target=chain, comment=frontend.name),), chains=chains)


def refusing(frontend: Frontend, family: Family) -> Rule:
    """For the filter table: what no rule has led to an endpoint."""
    if frontend.refusal == REJECT:
        options = f"--reject-with {_REFUSALS.get(frontend.protocol, family.unreachable)}"
        return replace(_at(frontend), target=REJECT, comment=f"{frontend.name} has no endpoints", options=options)
    why = "is not for this client" if frontend.endpoints else "has no local endpoints"
    return replace(_at(frontend), target=frontend.refusal, comment=f"{frontend.name} {why}")


def _at(frontend: Frontend) -> Rule:
    return Rule("", destination=frontend.address, protocol=frontend.protocol, destination_port=frontend.port)


def _is_simple(frontend: Frontend) -> bool:
    return frontend.inside and not frontend.affinity_s and len(frontend.endpoints) <= FEW_ENDPOINTS


def _in_the_leaf(frontend: Frontend) -> FrontendRules:
    endpoints = frontend.endpoints
    if len(endpoints) % 2:
        return FrontendRules(_choose_at(frontend, endpoints))
    middle = len(endpoints) // 2
    return FrontendRules(halves=(_choose_at(frontend, endpoints[:middle]), _choose_at(frontend, endpoints[middle:])))


def _choose_at(frontend: Frontend, endpoints: Sequence[str]) -> tuple[Rule, ...]:
    """One of the endpoints, each as likely as the others, for what is sent to the place."""
    # Most rules are these. Without a comment: it would be half of what legacy iptables copies for each, at each change.
    return tuple(
        Rule(
            "DNAT",
            destination=frontend.address,
            protocol=frontend.protocol,
            destination_port=frontend.port,
            one_in=_one_in(endpoints, index),
            dnat_to=each,
        )
        for index, each in enumerate(endpoints)
    )


def _choose(frontend: Frontend, endpoints: Sequence[str]) -> list[Rule]:
    """The same for what has been found to be for the place; with affinity, that which the client had."""
    dnat = Rule("DNAT", protocol=frontend.protocol)
    if not frontend.affinity_s:
        return [replace(dnat, dnat_to=each, one_in=_one_in(endpoints, index)) for index, each in enumerate(endpoints)]
    lists = [f"PODLAB-SEP-{_id(frontend, each)}" for each in endpoints]
    remembered = [
        replace(dnat, dnat_to=each, recent_source=name, recent_seconds=frontend.affinity_s, remember_source=name)
        for each, name in zip(endpoints, lists, strict=True)
    ]
    chosen = [
        replace(dnat, dnat_to=each, one_in=_one_in(endpoints, index), remember_source=name)
        for index, (each, name) in enumerate(zip(endpoints, lists, strict=True))
    ]
    return [*remembered, *chosen]


def _one_in(endpoints: Sequence[str], index: int) -> int:
    left = len(endpoints) - index
    return left if left > 1 else 0


def _id(frontend: Frontend, what: str) -> str:
    """16 letters and digits that stand for the Service's port and the rest: chain names hold 28 characters at most."""
    parts = "|".join((frontend.name, frontend.protocol, what))
    return base64.b32encode(hashlib.sha256(parts.encode()).digest()).decode()[:16]
