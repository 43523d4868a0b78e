"""What an object uses of what a ResourceQuota limits, and which objects a quota counts.

https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from google.protobuf.message import Message

from podlab.api import kinds, podresources, quantity
from podlab.api.podresources import Amounts
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.quota_pb2 import ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement
from podlab.core.v1.service_pb2 import Service
from podlab.core.v1.volume_pb2 import PersistentVolumeClaim

# Kinds of the core group that have a name of their own beside count/NAME.
_PLAIN = frozenset({"services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps"})
_NOT_COUNTED = frozenset({"Event"})
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_OVER = ("Succeeded", "Failed")
_BY_CLASS = ".storageclass.storage.k8s.io/"
ONE = Fraction(1)


def of(message: Message) -> Amounts:
    """What the object uses, by the names that quotas know."""
    kind = kinds.of(message)
    if kind.name in _NOT_COUNTED:
        return {}
    used: Amounts = {f"count/{kind.resource}": ONE}
    if isinstance(message, Pod):
        return used if is_over(message) else used | _of_pod(message)
    if isinstance(message, PersistentVolumeClaim):
        return used | _of_claim(message)
    if not kind.group and kind.plural in _PLAIN:
        used[kind.plural] = ONE
    if isinstance(message, Service) and message.spec.type == "NodePort":
        used["services.nodeports"] = Fraction(len(message.spec.ports))
    return used


def is_over(pod: Pod) -> bool:
    """Whether the pod needs nothing any more."""
    return pod.status.phase in _OVER


def matches(spec: ResourceQuotaSpec, message: Message) -> bool:
    """Whether the object is among those that the quota's scopes select. Only pods have properties to select by."""
    wanted = [ScopedResourceSelectorRequirement(scopeName=scope, operator="Exists") for scope in spec.scopes]
    wanted += spec.scopeSelector.matchExpressions
    return not wanted or (isinstance(message, Pod) and all(_holds(one, message) for one in wanted))


def counted(spec: ResourceQuotaSpec, message: Message) -> Amounts:
    """What the object uses of what this quota limits."""
    if not matches(spec, message):
        return {}
    return {name: amount for name, amount in of(message).items() if name in spec.hard}


def counts_kind(spec: ResourceQuotaSpec, kind: kinds.Kind) -> bool:
    """Whether an object of the kind can use any of what the quota limits."""
    if kind.name in _NOT_COUNTED:
        return False
    if f"count/{kind.resource}" in spec.hard:
        return True
    if kind.message is Pod:
        return any(_is_of_pods(name) for name in spec.hard)
    if kind.message is PersistentVolumeClaim:
        return any(name in ("persistentvolumeclaims", "requests.storage") or _BY_CLASS in name for name in spec.hard)
    if kind.message is Service and "services.nodeports" in spec.hard:
        return True
    return not kind.group and kind.plural in _PLAIN and kind.plural in spec.hard


def recount(quota: ResourceQuota, objects: Iterable[Message]) -> None:
    """Set the quota's status to what these objects use, which are all that its namespace holds."""
    status, total = quota.status, dict.fromkeys(quota.spec.hard, Fraction(0))
    for each in objects:
        for resource, amount in counted(quota.spec, each).items():
            total[resource] += amount
    status.Clear()
    for resource, amount in total.items():
        status.hard[resource].CopyFrom(quota.spec.hard[resource])
        status.used[resource].string = podresources.text(resource, amount)


def _is_of_pods(name: str) -> bool:
    return name in ("pods", *_COMPUTE) or (name != "requests.storage" and name.startswith(("requests.", "limits.")))


def _of_pod(pod: Pod) -> Amounts:
    used: Amounts = {"pods": ONE}
    for name, amount in podresources.requests(pod.spec).items():
        used[f"requests.{name}"] = amount
        if name in _COMPUTE:
            used[name] = amount
    for name, amount in podresources.limits(pod.spec).items():
        used[f"limits.{name}"] = amount
    return used


def _of_claim(claim: PersistentVolumeClaim) -> Amounts:
    size = quantity.parse(claim.spec.resources.requests["storage"])
    used = {"persistentvolumeclaims": ONE, "requests.storage": size}
    if claim.spec.storageClassName:
        used |= {f"{claim.spec.storageClassName}{_BY_CLASS}{name}": amount for name, amount in used.items()}
    return used


def _holds(wanted: ScopedResourceSelectorRequirement, pod: Pod) -> bool:
    spec: Any = pod.spec
    match wanted.scopeName:
        case "Terminating":
            return bool(spec.HasField("activeDeadlineSeconds"))
        case "NotTerminating":
            return not spec.HasField("activeDeadlineSeconds")
        case "BestEffort":
            return pod.status.qosClass == "BestEffort"
        case "NotBestEffort":
            return pod.status.qosClass != "BestEffort"
        case "PriorityClass":
            return _selects(wanted, pod.spec.priorityClassName)
    return False


def _selects(wanted: ScopedResourceSelectorRequirement, name: str) -> bool:
    match wanted.operator:
        case "In":
            return name in wanted.values
        case "NotIn":
            return name not in wanted.values
        case "Exists":
            return bool(name)
    return not name
