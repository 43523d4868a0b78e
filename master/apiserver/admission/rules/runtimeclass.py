"""RuntimeClass: what a pod's class says of its overhead, and of the nodes that can run it.

https://kubernetes.io/docs/concepts/containers/runtime-class/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from master.apiserver.admission.rules.refusal import forbidden
from podlab.api.pods.podresources import amounts
from podlab.core.v1.pod_pb2 import Pod, Toleration
from podlab.node.v1.runtimeclass_pb2 import RuntimeClass

ClassOf = Callable[[str], RuntimeClass | None]
_MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"


def complete(pod: Pod, class_of: ClassOf) -> None:
    """Give the pod what its class says. Raises Forbidden when there is no such class, or the pod says otherwise."""
    found = _class(pod, class_of)
    if found is None:
        return
    if found.HasField("overhead"):
        _set_overhead(pod, found)
    selector = pod.spec.nodeSelector
    for key, value in sorted(found.scheduling.nodeSelector.items()):
        if selector.get(key, value) != value:
            theirs = f"runtimeClass.scheduling.nodeSelector[{key}] = {value}"
            raise forbidden(pod, f"conflict: {theirs}; pod.spec.nodeSelector[{key}] = {selector[key]}")
        selector[key] = value
    if found.scheduling.tolerations:
        merged = merged_tolerations([*pod.spec.tolerations, *found.scheduling.tolerations])
        del pod.spec.tolerations[:]
        pod.spec.tolerations.extend(merged)


def check(pod: Pod, class_of: ClassOf) -> None:
    """Raises Forbidden for an overhead that is not that of its class."""
    found = _class(pod, class_of)
    if found is not None and found.HasField("overhead"):
        if amounts(pod.spec.overhead) != amounts(found.overhead.podFixed):
            raise forbidden(pod, _MISMATCH)
    elif pod.spec.overhead:
        why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
        raise forbidden(pod, why)


def _class(pod: Pod, class_of: ClassOf) -> RuntimeClass | None:
    """Raises Forbidden."""
    name = pod.spec.runtimeClassName
    found = class_of(name) if name else None
    if name and found is None:
        raise forbidden(pod, f'pod rejected: RuntimeClass "{name}" not found')
    return found


def _set_overhead(pod: Pod, found: RuntimeClass) -> None:
    if pod.spec.overhead and amounts(pod.spec.overhead) != amounts(found.overhead.podFixed):
        raise forbidden(pod, _MISMATCH)
    pod.spec.ClearField("overhead")
    for resource, quantity in found.overhead.podFixed.items():
        pod.spec.overhead[resource].CopyFrom(quantity)


def merged_tolerations(tolerations: Sequence[Toleration]) -> list[Toleration]:
    """Without those of which another one tolerates at least as much; of equal ones the first stays."""
    merged: list[Toleration] = []
    for index, one in enumerate(tolerations):
        later = [other for other in tolerations[index + 1 :] if other != one]
        if not any(_covers(other, one) for other in (*merged, *later)):
            merged.append(one)
    return merged


def _covers(wide: Toleration, one: Toleration) -> bool:
    """Whether whatever `one` tolerates, `wide` tolerates, too."""
    if wide == one:
        return True
    if wide.key != one.key and (wide.key or wide.operator != "Exists"):
        return False
    if wide.effect not in ("", one.effect):
        return False
    if wide.effect == "NoExecute" and wide.HasField("tolerationSeconds") and _lasts_longer(one, wide):
        return False
    if wide.operator in ("", "Equal"):
        return one.operator == "Equal" and one.value == wide.value
    return wide.operator == "Exists"


def _lasts_longer(one: Toleration, other: Toleration) -> bool:
    return not one.HasField("tolerationSeconds") or one.tolerationSeconds > other.tolerationSeconds
