"""What NetworkPolicies say of a packet, by their definition, and which of them say so. Pure.

Read off the objects as users write them: the tests hold the compiled rules against it.
https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from node.networkpolicy.pods import PolicyPod
from node.networkpolicy.table import Packet
from podlab.api.selection.selectors import from_message
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort


@dataclass(frozen=True)
class Side:
    """One end of a packet's way. `selecting`: the policies that isolate the pod there, none where there is no such pod;
    `allowing`: those of them that let the packet pass. Each is namespace/name.
    """

    selecting: tuple[str, ...] = ()
    allowing: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        return bool(self.allowing) or not self.selecting


@dataclass(frozen=True)
class Verdict:
    """Both ends must let the packet pass."""

    egress: Side
    ingress: Side

    @property
    def allowed(self) -> bool:
        return self.egress.allowed and self.ingress.allowed


class Policies:
    """All policies, the labels of all namespaces, all pods that have an address, and each node's addresses."""

    def __init__(
        self,
        policies: Iterable[NetworkPolicy],
        namespaces: Mapping[str, Mapping[str, str]],
        pods: Iterable[PolicyPod],
        nodes: Mapping[str, str],
    ) -> None:
        """`nodes`: address -> name of the node."""
        self._policies = sorted(policies, key=lambda each: (each.metadata.namespace, each.metadata.name))
        self._namespaces = namespaces
        self._pods = {pod.address: pod for pod in sorted(pods, key=lambda pod: pod.age)}
        self._nodes = nodes

    def verdict(self, packet: Packet) -> Verdict:
        """Of a flow's first packet, with the address and port of the endpoint where it goes to a Service."""
        source, destination = self._pods.get(packet.source), self._pods.get(packet.destination)
        if packet.source == packet.destination:
            return Verdict(Side(), Side())
        return Verdict(self._egress(source, packet), self._ingress(destination, packet))

    def _egress(self, pod: PolicyPod | None, packet: Packet) -> Side:
        if pod is None or self._nodes.get(packet.destination) == pod.node:
            return Side()
        return self._side(pod, "Egress", packet, packet.destination)

    def _ingress(self, pod: PolicyPod | None, packet: Packet) -> Side:
        if pod is None or self._nodes.get(packet.source) == pod.node:
            return Side()
        return self._side(pod, "Ingress", packet, packet.source)

    def _side(self, pod: PolicyPod, direction: str, packet: Packet, peer: str) -> Side:
        selecting = [
            policy
            for policy in self._policies
            if policy.metadata.namespace == pod.namespace
            and direction in policy.spec.policyTypes
            and from_message(policy.spec.podSelector).matches(pod.labels)
        ]
        allowing = [policy for policy in selecting if self._allows(policy, direction, packet, peer)]
        return Side(_names(selecting), _names(allowing))

    def _allows(self, policy: NetworkPolicy, direction: str, packet: Packet, peer: str) -> bool:
        spec, namespace = policy.spec, policy.metadata.namespace
        coming = [(getattr(rule, "from"), rule.ports) for rule in spec.ingress]
        rules = coming if direction == "Ingress" else [(rule.to, rule.ports) for rule in spec.egress]
        return any(self._is_peer(peers, namespace, peer) and self._is_port(ports, packet) for peers, ports in rules)

    def _is_peer(self, peers: Sequence[NetworkPolicyPeer], namespace: str, address: str) -> bool:
        if not peers:
            return True
        pod = self._pods.get(address)
        return any(
            _in_block(peer, address) if peer.HasField("ipBlock") else self._is_selected(peer, namespace, pod)
            for peer in peers
        )

    def _is_selected(self, peer: NetworkPolicyPeer, namespace: str, pod: PolicyPod | None) -> bool:
        if pod is None:
            return False
        if not peer.HasField("namespaceSelector"):
            in_namespace = pod.namespace == namespace
        else:
            labels = self._namespaces.get(pod.namespace)
            in_namespace = labels is not None and from_message(peer.namespaceSelector).matches(labels)
        return in_namespace and from_message(peer.podSelector).matches(pod.labels)

    def _is_port(self, ports: Sequence[NetworkPolicyPort], packet: Packet) -> bool:
        return not ports or any(self._is_one(port, packet) for port in ports)

    def _is_one(self, port: NetworkPolicyPort, packet: Packet) -> bool:
        if port.protocol.lower() != packet.protocol:
            return False
        if not port.HasField("port"):
            return True
        if port.port.type:
            pod = self._pods.get(packet.destination)
            named = [(each.name, each.protocol, each.number) for each in pod.ports] if pod is not None else []
            return (port.port.strVal, packet.protocol, packet.port) in named
        last = port.endPort if port.HasField("endPort") else port.port.intVal
        return port.port.intVal <= packet.port <= last


def _names(policies: Iterable[NetworkPolicy]) -> tuple[str, ...]:
    return tuple(f"{each.metadata.namespace}/{each.metadata.name}" for each in policies)


def _in_block(peer: NetworkPolicyPeer, address: str) -> bool:
    block, found = peer.ipBlock, ip_address(address)
    left_out = [ip_network(each, strict=False) for each in getattr(block, "except")]
    return found in ip_network(block.cidr, strict=False) and not any(found in each for each in left_out)
