"""What is known of policies, namespaces and pods, and the rules that it makes for one node. Pure.

Changes come one at a time, and each costs what it touches: the members of a group are counted anew only when the group
is new, and else follow the pod that changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from node.networkpolicy.compiled import CompiledPolicy, PodGroup, PolicyRule
from node.networkpolicy.pods import PolicyPod
from node.networkpolicy.table import Direction, PolicyTable
from podlab.api.values.ipfamilies import IPV4

PodName = tuple[str, str, str]
"""Namespace, name, and the family of the address."""
PortName = tuple[str, str]
"""Protocol and name."""


class Cluster:
    """Takes changes, and tells the rules of the node."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._namespaces: dict[str, Mapping[str, str]] = {}
        self._policies: dict[str, dict[str, CompiledPolicy]] = {}  # namespace -> name -> policy
        self._pods: dict[PodName, PolicyPod] = {}
        # More than one pod may claim an address for a moment: it is that of the one that was created last.
        self._claims: dict[str, dict[PodName, PolicyPod]] = {}
        self._owners: dict[str, dict[str, PolicyPod]] = {}  # namespace -> address -> pod
        self._groups: dict[PodGroup, frozenset[str]] = {}
        self._ports: dict[PortName, frozenset[tuple[str, int]]] = {}

    def set_policy(self, namespace: str, name: str, policy: CompiledPolicy | None) -> None:
        """A policy as it is now; None once it is gone."""
        found = self._policies.setdefault(namespace, {})
        if policy is not None:
            found[name] = policy
        else:
            found.pop(name, None)
        if not found:
            del self._policies[namespace]

    def set_namespace(self, name: str, labels: Mapping[str, str] | None) -> None:
        """A namespace's labels as they are now; None once it is gone."""
        old = self._namespaces.get(name)
        if labels is not None:
            self._namespaces[name] = labels
        else:
            self._namespaces.pop(name, None)
        if old == labels:
            return
        for group in [group for group in self._groups if group.namespaces is not None]:
            was = old is not None and group.has_namespace(name, old)
            if was != (labels is not None and group.has_namespace(name, labels)):
                del self._groups[group]  # found anew when the rules are next told

    def set_pod(self, namespace: str, name: str, pod: PolicyPod | None, family: str = IPV4) -> bool:
        """A pod at its address of the family as it is now; None once it has none. Whether that is anything new."""
        key = namespace, name, family
        old = self._pods.get(key)
        if old == pod:
            return False
        if pod is not None:
            self._pods[key] = pod
        else:
            self._pods.pop(key, None)
        for address in {each.address for each in (old, pod) if each is not None}:
            before = self._owner(address)
            self._claim(address, key, pod if pod is not None and pod.address == address else None)
            self._owner_changed(address, before, self._owner(address))
        return True

    def table(self) -> PolicyTable:
        """The rules of the node. Groups that nothing asks for any more are forgotten."""
        local = self._local()
        ingress = self._direction(local, lambda policy: policy.ingress)
        egress = self._direction(local, lambda policy: policy.egress)
        groups: dict[PodGroup, frozenset[str]] = {}
        ports: dict[PortName, frozenset[tuple[str, int]]] = {}
        for policy, rules in (*_all(ingress, lambda each: each.ingress), *_all(egress, lambda each: each.egress)):
            groups[policy.selected] = self._members(policy.selected)
            for rule in rules:
                if rule.group is not None:
                    groups[rule.group] = self._members(rule.group)
                if rule.port_name:
                    name = rule.protocol, rule.port_name
                    ports[name] = self._numbers(name)
        asked = {policy.selected for namespace in local for policy in self._policies[namespace].values()}
        self._groups = {group: found for group, found in self._groups.items() if group in groups or group in asked}
        self._ports = dict(ports)
        return PolicyTable(ingress, egress, groups, ports)

    def _local(self) -> dict[str, frozenset[str]]:
        """The addresses of this node's pods in each namespace that has policies."""
        found = {
            namespace: frozenset(
                address for address, pod in self._owners.get(namespace, {}).items() if pod.node == self._node
            )
            for namespace in self._policies
        }
        return {namespace: addresses for namespace, addresses in found.items() if addresses}

    def _direction(
        self,
        local: Mapping[str, frozenset[str]],
        rules: Callable[[CompiledPolicy], tuple[PolicyRule, ...] | None],
    ) -> Direction:
        isolated: dict[str, str] = {}
        policies: dict[str, tuple[CompiledPolicy, ...]] = {}
        for namespace, addresses in local.items():
            selecting = []
            for _, policy in sorted(self._policies[namespace].items()):
                selected = self._members(policy.selected) & addresses if rules(policy) is not None else ()
                if selected:
                    selecting.append(policy)
                    isolated.update(dict.fromkeys(selected, namespace))
            if selecting:
                policies[namespace] = tuple(selecting)
        return Direction(isolated, policies)

    def _members(self, group: PodGroup) -> frozenset[str]:
        found = self._groups.get(group)
        if found is None:
            found = self._groups[group] = frozenset(
                pod.address for pod in self._pods_of(group) if group.pods.matches(pod.labels)
            )
        return found

    def _pods_of(self, group: PodGroup) -> Iterator[PolicyPod]:
        if group.namespaces is None:
            yield from self._owners.get(group.namespace, {}).values()
            return
        for namespace, pods in self._owners.items():
            labels = self._namespaces.get(namespace)
            if labels is not None and group.has_namespace(namespace, labels):
                yield from pods.values()

    def _is_member(self, group: PodGroup, pod: PolicyPod) -> bool:
        if group.namespaces is None:
            return pod.namespace == group.namespace and group.pods.matches(pod.labels)
        labels = self._namespaces.get(pod.namespace)
        return labels is not None and group.has_namespace(pod.namespace, labels) and group.pods.matches(pod.labels)

    def _numbers(self, name: PortName) -> frozenset[tuple[str, int]]:
        found = self._ports.get(name)
        if found is None:
            every = (pod for pods in self._owners.values() for pod in pods.values())
            found = self._ports[name] = frozenset(number for pod in every for number in _numbers_of(pod, name))
        return found

    def _claim(self, address: str, key: PodName, pod: PolicyPod | None) -> None:
        claims = self._claims.setdefault(address, {})
        if pod is not None:
            claims[key] = pod
        else:
            claims.pop(key, None)
        if not claims:
            del self._claims[address]

    def _owner(self, address: str) -> PolicyPod | None:
        return max(self._claims.get(address, {}).values(), key=lambda pod: pod.age, default=None)

    def _owner_changed(self, address: str, old: PolicyPod | None, new: PolicyPod | None) -> None:
        if old is not None:
            del self._owners[old.namespace][address]
            if not self._owners[old.namespace]:
                del self._owners[old.namespace]
        if new is not None:
            self._owners.setdefault(new.namespace, {})[address] = new
        for group, members in self._groups.items():
            is_one = new is not None and self._is_member(group, new)
            if is_one != (address in members):
                self._groups[group] = members | {address} if is_one else members - {address}
        for name, numbers in self._ports.items():
            was = _numbers_of(old, name) if old is not None else frozenset()
            now = _numbers_of(new, name) if new is not None else frozenset()
            if was != now:
                self._ports[name] = (numbers - was) | now


def _numbers_of(pod: PolicyPod, name: PortName) -> frozenset[tuple[str, int]]:
    return frozenset((pod.address, port.number) for port in pod.ports if (port.protocol, port.name) == name)


def _all(
    direction: Direction, rules: Callable[[CompiledPolicy], Iterable[PolicyRule] | None]
) -> Iterator[tuple[CompiledPolicy, Iterable[PolicyRule]]]:
    for policies in direction.policies.values():
        for policy in policies:
            yield policy, rules(policy) or ()
