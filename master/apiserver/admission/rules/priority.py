"""Priority: what a new pod's class, or the default one, says about it.

https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

from __future__ import annotations

from collections.abc import Mapping

from master.apiserver.admission.rules.refusal import forbidden
from podlab.core.v1 import pod_pb2
from podlab.kinds.validation.cluster.policy import SYSTEM_CLASSES
from podlab.scheduling.v1 import priorityclass_pb2

Classes = Mapping[str, priorityclass_pb2.PriorityClass]
_PREEMPTS = "PreemptLowerPriority"


def complete(pod: pod_pb2.Pod, classes: Classes) -> None:
    """Set priority and preemption policy from the pod's class. Raises Forbidden when it says otherwise itself."""
    spec = pod.spec
    found = _class_of(pod, classes)
    value, policy = (found.value, found.preemptionPolicy or _PREEMPTS) if found is not None else (0, _PREEMPTS)
    if found is not None:
        spec.priorityClassName = found.metadata.name
    if spec.HasField("priority") and spec.priority != value:
        raise forbidden(
            pod,
            f"the integer value of priority ({spec.priority}) must not be provided in pod spec;"
            f" priority admission controller computed {value} from the given PriorityClass name",
        )
    if spec.HasField("preemptionPolicy") and spec.preemptionPolicy != policy:
        raise forbidden(
            pod,
            f"the string value of PreemptionPolicy ({spec.preemptionPolicy}) must not be provided in pod spec;"
            f" priority admission controller computed {policy} from the given PriorityClass name",
        )
    spec.priority, spec.preemptionPolicy = value, policy


def keep(new: pod_pb2.Pod, old: pod_pb2.Pod) -> None:
    """A pod that is sent again without them keeps what it got when it was new."""
    for field in ("priority", "preemptionPolicy"):
        if not new.spec.HasField(field) and old.spec.HasField(field):
            setattr(new.spec, field, getattr(old.spec, field))


def check_deletable(given: priorityclass_pb2.PriorityClass) -> None:
    """Raises Forbidden for what the cluster itself stands on."""
    if given.metadata.name in SYSTEM_CLASSES:
        raise forbidden(given, "this is a system priority class and cannot be deleted")


def check_only_default(given: priorityclass_pb2.PriorityClass, classes: Classes) -> None:
    """Raises Forbidden for a second default class."""
    if not given.globalDefault:
        return
    for name in sorted(classes):
        if classes[name].globalDefault and name != given.metadata.name:
            why = f"PriorityClass {name} is already marked as default. Only one default can exist"
            raise forbidden(given, why)


def _class_of(pod: pod_pb2.Pod, classes: Classes) -> priorityclass_pb2.PriorityClass | None:
    name = pod.spec.priorityClassName
    if name:
        if name not in classes:
            raise forbidden(pod, f"no PriorityClass with name {name} was found")
        return classes[name]
    defaults = [found for found in classes.values() if found.globalDefault]
    return min(defaults, key=lambda found: found.value, default=None)
