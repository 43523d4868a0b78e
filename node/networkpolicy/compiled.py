"""One NetworkPolicy made into rules: which pods it isolates, and what it lets through. Pure.

A policy alone decides its rules. Which pods its selectors mean at present is not in them: rules name groups of pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from node.networkpolicy.intervals import ALL_ADDRESSES, Ranges, block, merged
from podlab.api.selection.selectors import Selector, from_message
from podlab.api.values.ipfamilies import FAMILIES, family_of
from podlab.meta.v1.meta_pb2 import LabelSelector
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort

INGRESS, EGRESS = "Ingress", "Egress"


@dataclass(frozen=True)
class PodGroup:
    """The pods that a selector means: of one namespace, or (with `namespaces`) of all those that have such labels."""

    pods: Selector
    namespace: str = ""
    namespaces: Selector | None = None

    def has_namespace(self, name: str, labels: Mapping[str, str]) -> bool:
        return name == self.namespace if self.namespaces is None else self.namespaces.matches(labels)

    @cached_property
    def text(self) -> str:
        """Two groups of the same text are the same."""
        pods = f"pods {self.pods or 'all'}"
        if self.namespaces is None:
            return f"namespace {self.namespace}, {pods}"
        return f"namespaces {self.namespaces or 'all'}, {pods}"

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True)
class PolicyRule:
    """Lets a packet through when all that is set holds for it.

    `group`, and `family` with `addresses` (of that family; None: all of them), are about the peer; without them it may
    be anybody. Without `protocol` every one is meant, without `ports` all of it; `port_name` means the ports that the
    destination has under that name.
    """

    group: PodGroup | None = None
    family: str = ""
    addresses: Ranges | None = None
    protocol: str = ""  # tcp, udp or sctp
    ports: Ranges = ()
    port_name: str = ""


@dataclass(frozen=True)
class CompiledPolicy:
    """`ingress` and `egress` are None where the policy says nothing about that direction."""

    namespace: str
    name: str
    selected: PodGroup
    ingress: tuple[PolicyRule, ...] | None
    egress: tuple[PolicyRule, ...] | None

    def __hash__(self) -> int:
        return hash((self.namespace, self.name))  # the rest would be many times the work, and tells few apart


def compile_policy(policy: NetworkPolicy) -> CompiledPolicy:
    """Raises BadRequest or ValueError for what validation does not let through."""
    meta, spec = policy.metadata, policy.spec
    coming = [(getattr(each, "from"), each.ports) for each in spec.ingress]
    going = [(each.to, each.ports) for each in spec.egress]
    return CompiledPolicy(
        meta.namespace,
        meta.name,
        PodGroup(_selector(spec.podSelector), meta.namespace),
        tuple(_rules(meta.namespace, coming)) if INGRESS in spec.policyTypes else None,
        tuple(_rules(meta.namespace, going)) if EGRESS in spec.policyTypes else None,
    )


def _rules(
    namespace: str, given: Iterable[tuple[Sequence[NetworkPolicyPeer], Sequence[NetworkPolicyPort]]]
) -> Iterator[PolicyRule]:
    for peers, ports in given:
        for peer in _peers(namespace, peers):
            for protocol, numbers, name in _ports(ports):
                yield replace(peer, protocol=protocol, ports=numbers, port_name=name)


def _peers(namespace: str, peers: Sequence[NetworkPolicyPeer]) -> Iterator[PolicyRule]:
    """Each group of pods, and the addresses of all blocks of a family together."""
    if not peers:
        yield PolicyRule()
        return
    groups = dict.fromkeys(_group(namespace, peer) for peer in peers if not peer.HasField("ipBlock"))
    yield from (PolicyRule(group) for group in groups)
    blocks = [peer.ipBlock for peer in peers if peer.HasField("ipBlock")]
    for family in FAMILIES:
        own = [each for each in blocks if family_of(each.cidr) == family]
        addresses = merged(part for each in own for part in block(each.cidr, getattr(each, "except")))
        if addresses:
            yield PolicyRule(family=family, addresses=None if addresses == ALL_ADDRESSES[family] else addresses)


def _group(namespace: str, peer: NetworkPolicyPeer) -> PodGroup:
    pods = _selector(peer.podSelector)
    if peer.HasField("namespaceSelector"):
        return PodGroup(pods, namespaces=_selector(peer.namespaceSelector))
    return PodGroup(pods, namespace)


def _ports(ports: Sequence[NetworkPolicyPort]) -> Iterator[tuple[str, Ranges, str]]:
    """Protocol, numbers and name: each protocol once, and each name."""
    if not ports:
        yield "", (), ""
        return
    numbers: dict[str, list[tuple[int, int]]] = {}
    names: dict[tuple[str, str], None] = {}
    for given in ports:
        protocol = given.protocol.lower() or "tcp"
        if not given.HasField("port"):
            numbers.setdefault(protocol, []).append((0, 65535))
        elif given.port.type:
            names[protocol, given.port.strVal] = None
        else:
            first = given.port.intVal
            numbers.setdefault(protocol, []).append((first, given.endPort if given.HasField("endPort") else first))
    for protocol, ranges in numbers.items():
        found = merged(ranges)
        yield protocol, () if found == ((0, 65535),) else found, ""
    yield from ((protocol, (), name) for protocol, name in names)


def _selector(given: LabelSelector) -> Selector:
    """Selectors that mean the same are equal: the order of their parts says nothing."""
    parts = {str(each): each for each in from_message(given).requirements}
    return Selector(tuple(parts[text] for text in sorted(parts)))
