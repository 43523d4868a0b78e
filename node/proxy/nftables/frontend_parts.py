"""What one place of a Service needs: elements of maps, and chains and sets of its own if it is no simple one. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from node.proxy.frontends import REJECT, Frontend
from node.proxy.nftables.rule import NftRule, concatenated

FEW_ENDPOINTS = 16
"""So many are chosen among by chains that all Services share: each is an element of a map, and no chain is added."""
SERVICES, NODE_PORTS = "services", "node-ports"
REFUSALS, NODE_PORT_REFUSALS = "refusals", "node-port-refusals"
REJECTING = "rejecting"
MARKING = NftRule(marks=True)

# (map, key) -> value
Elements = Mapping[tuple[str, str], str]
ChainsOfRules = Mapping[str, Sequence[NftRule]]


@dataclass(frozen=True, slots=True)
class FrontendParts:
    """`affinity` are sets of clients, and for how many seconds they are remembered."""

    elements: Elements
    chains: ChainsOfRules = field(default_factory=dict)
    affinity: Mapping[str, int] = field(default_factory=dict)


def choosing(count: int) -> str:
    """The chain that chooses among the endpoints of Services that have so many."""
    return f"choose-{count}"


def endpoints_map(index: int) -> str:
    """The map of all those endpoints that are the so manieth of their Service."""
    return f"endpoints-{index}"


def parts_of(frontend: Frontend, cluster_cidr: str) -> FrontendParts:
    elements: dict[tuple[str, str], str] = {}
    if frontend.refusal:
        refused = f"goto {REJECTING}" if frontend.refusal == REJECT else "drop"
        elements[REFUSALS if frontend.address else NODE_PORT_REFUSALS, _key(frontend)] = refused
    if not frontend.reachable:
        return FrontendParts(elements)
    if frontend.inside and not frontend.affinity_s and len(frontend.endpoints) <= FEW_ENDPOINTS:
        elements[SERVICES, _key(frontend)] = f"goto {choosing(len(frontend.endpoints))}"
        for index, endpoint in enumerate(frontend.endpoints):
            elements[endpoints_map(index), _key(frontend)] = concatenated(endpoint)
        return FrontendParts(elements)
    chains = dict(_chains(frontend, cluster_cidr))
    elements[SERVICES if frontend.address else NODE_PORTS, _key(frontend)] = f"goto {next(iter(chains))}"
    affinity = dict.fromkeys((_affinity(frontend, each) for each in frontend.reachable), frontend.affinity_s)
    return FrontendParts(elements, chains, affinity if frontend.affinity_s else {})


def _chains(frontend: Frontend, cluster_cidr: str) -> Iterator[tuple[str, Sequence[NftRule]]]:
    """That which the place leads to comes first."""
    own = f"{'service' if frontend.inside else 'external'}-{_id(frontend)}"
    if frontend.source_ranges:
        yield f"allowed-{_id(frontend)}", [NftRule(sources=frontend.source_ranges, verdict=f"goto {own}")]
    if frontend.inside:
        outsiders = [replace(MARKING, not_source=cluster_cidr)] if cluster_cidr else []
        yield own, [*outsiders, *_choose(frontend, frontend.endpoints)]
    elif not frontend.only_local:
        yield own, [MARKING, *_choose(frontend, frontend.endpoints)]
    else:
        # The policy is for clients outside the cluster. Pods, and the node itself, may use every endpoint.
        everywhere = f"everywhere-{_id(frontend)}"
        from_pods = [NftRule(sources=(cluster_cidr,), verdict=f"goto {everywhere}")] if cluster_cidr else []
        from_node = NftRule(local_source=True, marks=True, verdict=f"goto {everywhere}")
        yield own, [*from_pods, from_node, *_choose(frontend, frontend.endpoints)]
        yield everywhere, _choose(frontend, frontend.everywhere)
    for endpoint in sorted(frontend.reachable) if frontend.affinity_s else ():
        dnat = NftRule(protocol=frontend.protocol, remembers=_affinity(frontend, endpoint), dnat_to=(endpoint,))
        yield _endpoint(frontend, endpoint), [dnat]


def _choose(frontend: Frontend, endpoints: Sequence[str]) -> list[NftRule]:
    """One of the endpoints, each as likely as the others; with affinity, that which the client had."""
    if not endpoints:
        return []
    if not frontend.affinity_s:
        return [NftRule(protocol=frontend.protocol, dnat_to=tuple(endpoints))]
    chains = tuple(_endpoint(frontend, each) for each in endpoints)
    remembered = [
        NftRule(remembered=_affinity(frontend, each), verdict=f"goto {chain}")
        for each, chain in zip(endpoints, chains, strict=True)
    ]
    return [*remembered, NftRule(one_of=chains)]


def _key(frontend: Frontend) -> str:
    port = f"{frontend.protocol} . {frontend.port}"
    return f"{frontend.address} . {port}" if frontend.address else port


def _affinity(frontend: Frontend, endpoint: str) -> str:
    return f"affinity-{_id(frontend, endpoint, str(frontend.affinity_s))}"


def _endpoint(frontend: Frontend, endpoint: str) -> str:
    return f"endpoint-{_id(frontend, endpoint)}"


def _id(frontend: Frontend, *more: str) -> str:
    """Letters and digits that stand for the Service's port and the rest."""
    parts = "|".join((frontend.name, *map(str, frontend.place), *more))
    return base64.b32encode(hashlib.sha256(parts.encode()).digest()).decode()[:16]
