"""What an object uses of what a ResourceQuota limits, and which objects a quota counts.

https://kubernetes.io/docs/concepts/policy/resource-quotas/
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.pods import podresources
from podlab.api.pods.allocated import charged
from podlab.api.pods.podphase import is_terminal
from podlab.api.pods.podresources import Amounts
from podlab.api.values import quantity
from podlab.core.v1.pod_pb2 import Pod, PodAffinityTerm
from podlab.core.v1.quota_pb2 import ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement
from podlab.core.v1.service_pb2 import Service
from podlab.core.v1.volume_pb2 import PersistentVolumeClaim
from podlab.resource.v1.resourceclaim_pb2 import DeviceSubRequest, ExactDeviceRequest, ResourceClaim

# Kinds of the core group that have a name of their own beside count/NAME.
_PLAIN = frozenset({"services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps"})
_NOT_COUNTED = frozenset({"Event"})
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_OF_SERVICES = ("services.nodeports", "services.loadbalancers")
_BY_CLASS = ".storageclass.storage.k8s.io/"
_BY_DEVICE_CLASS = ".deviceclass.resource.k8s.io/devices"
# As many as a claim can be given, where it asks for all that there are.
_MOST_DEVICES = 32
ONE = Fraction(1)


def of(message: Message, kind: kinds.Kind) -> Amounts:
    """What the object, which is of the kind, uses, by the names that quotas know."""
    if kind.name in _NOT_COUNTED:
        return {}
    used: Amounts = {f"count/{kind.resource}": ONE}
    if isinstance(message, Pod):
        return used if is_terminal(message) else used | _of_pod(message)
    if isinstance(message, PersistentVolumeClaim):
        return used | _of_claim(message)
    if isinstance(message, ResourceClaim):
        return used | _of_devices(message)
    if not kind.group and kind.plural in _PLAIN:
        used[kind.plural] = ONE
    return used | _of_service(message) if isinstance(message, Service) else used


def is_counted(kind: kinds.Kind) -> bool:
    """Whether a quota can count objects of the kind at all."""
    return kind.name not in _NOT_COUNTED


def matches(spec: ResourceQuotaSpec, message: Message) -> bool:
    """Whether the object is among those that the quota's scopes select. Only pods have properties to select by."""
    wanted = [ScopedResourceSelectorRequirement(scopeName=scope, operator="Exists") for scope in spec.scopes]
    wanted += spec.scopeSelector.matchExpressions
    return not wanted or (isinstance(message, Pod) and all(_holds(one, message) for one in wanted))


def counted(spec: ResourceQuotaSpec, message: Message, kind: kinds.Kind) -> Amounts:
    """What the object, which is of the kind, uses of what this quota limits."""
    if not matches(spec, message):
        return {}
    return {name: amount for name, amount in of(message, kind).items() if name in spec.hard}


def limits(hard: Iterable[str], kind: kinds.Kind) -> list[str]:
    """Those of a quota's resources that an object of the kind can use."""
    return [] if kind.name in _NOT_COUNTED else [name for name in hard if _is_of(name, kind)]


def recount(quota: ResourceQuota, objects: Iterable[tuple[Message, kinds.Kind]]) -> None:
    """Set the quota's status to what these objects, each with its kind, use: all that its namespace holds."""
    status, total = quota.status, dict.fromkeys(quota.spec.hard, Fraction(0))
    for each, kind in objects:
        for resource, amount in counted(quota.spec, each, kind).items():
            total[resource] += amount
    status.Clear()
    for resource, amount in total.items():
        status.hard[resource].CopyFrom(quota.spec.hard[resource])
        status.used[resource].string = podresources.text(resource, amount)


def _is_of(name: str, kind: kinds.Kind) -> bool:
    if name == f"count/{kind.resource}":
        return True
    if kind.message is Pod:
        return name in ("pods", *_COMPUTE) or (name != "requests.storage" and name.startswith(("requests.", "limits.")))
    if kind.message is PersistentVolumeClaim:
        return name in ("persistentvolumeclaims", "requests.storage") or _BY_CLASS in name
    if kind.message is Service and name in _OF_SERVICES:
        return True
    if kind.message is ResourceClaim:
        return name.endswith(_BY_DEVICE_CLASS)
    return not kind.group and kind.plural in _PLAIN and kind.plural == name


def _of_service(service: Service) -> Amounts:
    """Both kinds of ports follow the type; a load balancer's ports are the nodes' too, unless it wants none."""
    spec = service.spec
    used = dict.fromkeys(_OF_SERVICES, Fraction(0))
    if spec.type in ("NodePort", "LoadBalancer"):
        wanted = spec.type == "NodePort" or not spec.HasField("allocateLoadBalancerNodePorts")
        wanted = wanted or spec.allocateLoadBalancerNodePorts
        used["services.nodeports"] = Fraction(sum(1 for port in spec.ports if wanted or port.nodePort))
    if spec.type == "LoadBalancer":
        used["services.loadbalancers"] = ONE
    return used


def _of_pod(pod: Pod) -> Amounts:
    used: Amounts = {"pods": ONE}
    for name, amount in podresources.requests(charged(pod)).items():
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


def _of_devices(claim: ResourceClaim) -> Amounts:
    """By class, as many devices as it may be given: of alternatives, the most that one of them asks of the class."""
    used: defaultdict[str, Fraction] = defaultdict(Fraction)
    for request in claim.spec.devices.requests:
        alternatives: list[DeviceSubRequest | ExactDeviceRequest] = [*request.firstAvailable]
        most: defaultdict[str, int] = defaultdict(int)
        for asked in alternatives or [request.exactly]:
            most[asked.deviceClassName] = max(most[asked.deviceClassName], _asked(asked))
        for name, count in most.items():
            used[f"{name}{_BY_DEVICE_CLASS}"] += count
    return dict(used)


def _asked(asked: DeviceSubRequest | ExactDeviceRequest) -> int:
    return asked.count if asked.allocationMode == "ExactCount" else _MOST_DEVICES


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
        case "CrossNamespacePodAffinity":
            return any(term.namespaces or term.HasField("namespaceSelector") for term in _terms(pod))
    return False


def _terms(pod: Pod) -> Iterator[PodAffinityTerm]:
    """About pods that it is to be with, or apart from."""
    for side in (pod.spec.affinity.podAffinity, pod.spec.affinity.podAntiAffinity):
        yield from side.requiredDuringSchedulingIgnoredDuringExecution
        yield from (each.podAffinityTerm for each in side.preferredDuringSchedulingIgnoredDuringExecution)


def _selects(wanted: ScopedResourceSelectorRequirement, name: str) -> bool:
    match wanted.operator:
        case "In":
            return name in wanted.values
        case "NotIn":
            return name not in wanted.values
        case "Exists":
            return bool(name)
    return not name
