"""What a write changes of a quota's usage, and whether the quota allows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from google.protobuf.message import Message

from podlab.api import usage
from podlab.api.kinds import Kind
from podlab.api.pods import podresources
from podlab.api.pods.podresources import Amounts
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2, quota_pb2
from podlab.meta.v1 import meta_pb2

_ZERO = Fraction(0)
# A pod that a quota limits in one of these must say how much of it each container takes.
_TO_BE_SAID: Mapping[str, tuple[str, str]] = {
    "cpu": ("requests", "cpu"),
    "memory": ("requests", "memory"),
    "requests.cpu": ("requests", "cpu"),
    "requests.memory": ("requests", "memory"),
    "limits.cpu": ("limits", "cpu"),
    "limits.memory": ("limits", "memory"),
}


def difference(quota: quota_pb2.ResourceQuota, kind: Kind, new: Message | None, old: Message | None) -> Amounts:
    """How much more, or less, of each limited resource is used after the write. None is no object."""
    after = usage.counted(quota.spec, new, kind) if new is not None else {}
    before = usage.counted(quota.spec, old, kind) if old is not None else {}
    names = (after.keys() | before.keys()) & quota.status.hard.keys()
    changes = {name: after.get(name, _ZERO) - before.get(name, _ZERO) for name in names}
    return {name: change for name, change in changes.items() if change}


def restricted(quota: quota_pb2.ResourceQuota, kind: Kind, new: Message) -> list[str]:
    """What the quota limits that the new object can use, whether or not it says how much; nothing out of its scope."""
    if not usage.matches(quota.spec, new):
        return []
    return sorted(usage.limits(quota.status.hard, kind))


def refusal(
    quota: quota_pb2.ResourceQuota, kind: Kind, *, new: Message | None, old: Message | None, more: Amounts
) -> str:
    """Why the quota does not allow it; empty when it does."""
    name = quota.metadata.name
    asked = {resource: change for resource, change in more.items() if change > 0}
    limited = restricted(quota, kind, new) if new is not None and old is None else sorted(asked)
    if isinstance(new, pod_pb2.Pod) and old is None and (unsaid := _unsaid(limited, new)):
        return f"failed quota: {name}: must specify {unsaid}"
    status = quota.status
    if unknown := [resource for resource in limited if resource not in status.used]:
        return f"status unknown for quota: {name}, resources: {','.join(unknown)}"
    exceeded = sorted(
        resource
        for resource, change in asked.items()
        if quantity.parse(status.used[resource]) + change > quantity.parse(status.hard[resource])
    )
    if not exceeded:
        return ""
    requested = ",".join(f"{resource}={podresources.text(resource, asked[resource])}" for resource in exceeded)
    used, hard = (_told(amounts, exceeded) for amounts in (status.used, status.hard))
    return f"exceeded quota: {name}, requested: {requested}, used: {used}, limited: {hard}"


def charged(quota: quota_pb2.ResourceQuota, more: Amounts) -> quota_pb2.ResourceQuota:
    """A copy whose status says what is used after the write."""
    copy = quota_pb2.ResourceQuota()
    copy.CopyFrom(quota)
    for resource, change in more.items():
        if resource in copy.status.used:
            left = max(_ZERO, quantity.parse(copy.status.used[resource]) + change)
            copy.status.used[resource].string = podresources.text(resource, left)
    return copy


def _unsaid(limited: Iterable[str], pod: pod_pb2.Pod) -> str:
    """Processors and memory that containers and their pod leave open: `requests.cpu for: a,b; limits.memory for: b`."""
    missing: dict[str, set[str]] = {}
    for resource in limited:
        side, name = _TO_BE_SAID.get(resource, ("", ""))
        if side and name in getattr(pod.spec.resources, side):
            continue
        for container in (*pod.spec.containers, *pod.spec.initContainers) if side else ():
            if name not in getattr(container.resources, side):
                missing.setdefault(resource, set()).add(container.name)
    return "; ".join(f"{resource} for: {','.join(sorted(names))}" for resource, names in missing.items())


def _told(amounts: Mapping[str, meta_pb2.Quantity], names: Iterable[str]) -> str:
    return ",".join(f"{name}={amounts[name].string}" for name in names)
