"""What holds a pod back from the scheduler, what of it may change meanwhile, and what holds it back from being ready.

https://kubernetes.io/docs/concepts/scheduling-eviction/pod-scheduling-readiness/
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate
"""

from podlab.core.v1 import pod_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings

_REQUIRED = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
_ADDITIONS = "only additions are allowed (no mutations or deletions)"


def check_gates(found: Findings, field: str, spec: pod_pb2.PodSpec) -> None:
    """Gates are well named, each once, and of a pod that has no node yet."""
    names = [gate.name for gate in spec.schedulingGates]
    for index, name in enumerate(names):
        where = f"{field}.schedulingGates[{index}]"
        found.invalid(where, name, *syntax.qualified_name(name))
        if name in names[:index]:
            found.duplicate(where, name)
    if names and spec.nodeName:
        found.forbidden(f"{field}.nodeName", "cannot be set until all schedulingGates have been cleared")


def check_readiness_gates(found: Findings, field: str, spec: pod_pb2.PodSpec) -> None:
    """Each names a condition well."""
    for index, gate in enumerate(spec.readinessGates):
        where = f"{field}.readinessGates[{index}].conditionType"
        found.invalid(where, gate.conditionType, *syntax.qualified_name(gate.conditionType))


def check_gates_update(found: Findings, new: pod_pb2.PodSpec, old: pod_pb2.PodSpec) -> None:
    """Gates may go, but not come; while there is one, the nodes that are asked for may become fewer."""
    before = {gate.name for gate in old.schedulingGates}
    for index, gate in enumerate(new.schedulingGates):
        if gate.name not in before:
            rule = f"only deletion is allowed, but found new scheduling gate '{gate.name}'"
            found.forbidden(f"spec.schedulingGates[{index}].name", rule)
    if before:
        _check_selector(found, new, old)
        _check_required(found, new, old)


def without_changeable(spec: pod_pb2.PodSpec, *, gated: bool) -> None:
    """Takes out of the spec what `check_gates_update` judges."""
    spec.ClearField("schedulingGates")
    if gated:
        spec.ClearField("nodeSelector")
        nodes = spec.affinity.nodeAffinity
        nodes.ClearField("requiredDuringSchedulingIgnoredDuringExecution")
        nodes.ClearField("preferredDuringSchedulingIgnoredDuringExecution")
        if not nodes.ByteSize():
            spec.affinity.ClearField("nodeAffinity")
        if not spec.affinity.ByteSize():
            spec.ClearField("affinity")


def _check_selector(found: Findings, new: pod_pb2.PodSpec, old: pod_pb2.PodSpec) -> None:
    if not old.nodeSelector.items() <= new.nodeSelector.items():
        rule = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        found.invalid("spec.nodeSelector", dict(new.nodeSelector), rule)


def _check_required(found: Findings, new: pod_pb2.PodSpec, old: pod_pb2.PodSpec) -> None:
    before = old.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
    after = new.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms
    if not before:
        return
    if len(before) != len(after):
        rule = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        found.breaks(f"{_REQUIRED}.nodeSelectorTerms", rule)
        return
    for index, (was, now) in enumerate(zip(before, after, strict=True)):
        grown = pod_pb2.NodeSelectorTerm()
        grown.matchExpressions.extend(now.matchExpressions[: len(was.matchExpressions)])
        grown.matchFields.extend(now.matchFields[: len(was.matchFields)])
        if (not was.ByteSize() and now.ByteSize()) or grown != was:
            found.breaks(f"{_REQUIRED}.nodeSelectorTerms[{index}]", _ADDITIONS)
