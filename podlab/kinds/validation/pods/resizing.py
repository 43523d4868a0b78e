"""Resizing: which changes of what a running pod's containers ask for, and may use, are possible."""

from collections.abc import Container as Holder
from collections.abc import Mapping

from podlab.api.pods.qos import qos_class
from podlab.api.selection.labels import MIRROR_ANNOTATION
from podlab.core.v1 import pod_pb2
from podlab.kinds.validation.findings import Findings
from podlab.meta.v1 import meta_pb2

_RESIZABLE = ("cpu", "memory")
_GROUPS = ("containers", "initContainers")
_REMOVED = "resource {} cannot be removed"
_QOS = "Pod QOS Class may not change as a result of resizing"


def check_resizing(found: Findings, new: pod_pb2.Pod, old: pod_pb2.Pod) -> None:
    """Processors and memory of containers and sidecars may change, within the pod's class, and nothing else."""
    if MIRROR_ANNOTATION in old.metadata.annotations:
        found.forbidden("", "static pods cannot be resized")
        return
    if (old.status.qosClass or qos_class(old.spec)) != (after := qos_class(new.spec)):
        found.invalid("spec", after, _QOS)
    if not _reports_resources(old.status):
        found.forbidden("spec", "Pod running on node without support for resize")
    _check_whole(found, new.spec, old.spec)
    if _check_order(found, new.spec, old.spec):
        for group in _GROUPS:
            _check_group(found, group, new.spec, old.spec)


def _reports_resources(status: pod_pb2.PodStatus) -> bool:
    """Whether the pod's kubelet says what containers run with: one of an older release neither says nor changes it."""
    running = (each for each in status.containerStatuses if each.state.HasField("running"))
    return all(each.HasField("resources") for each in running)


def _check_whole(found: Findings, new: pod_pb2.PodSpec, old: pod_pb2.PodSpec) -> None:
    """What the pod asks for as a whole, whose processors and memory change as those of containers."""
    for side in ("requests", "limits"):
        if getattr(old.resources, side).keys() - getattr(new.resources, side).keys():
            found.forbidden(f"spec.resources.{side}", _REMOVED.format(side))
    if _unchanging(new.resources) != _unchanging(old.resources):
        found.forbidden("spec", "only cpu and memory resources are mutable")


def _unchanging(resources: pod_pb2.ResourceRequirements) -> pod_pb2.ResourceRequirements:
    rest = pod_pb2.ResourceRequirements()
    rest.CopyFrom(resources)
    for amounts in (rest.requests, rest.limits):
        _drop(amounts, _RESIZABLE)
    return rest


def _check_order(found: Findings, new: pod_pb2.PodSpec, old: pod_pb2.PodSpec) -> bool:
    before = found.count
    for group in _GROUPS:
        after, earlier = getattr(new, group), getattr(old, group)
        if len(after) != len(earlier):
            found.forbidden(f"spec.{group}", f"{group} may not be added or removed on resize")
            continue
        for index, (one, other) in enumerate(zip(after, earlier, strict=True)):
            if one.name != other.name:
                rule = f"{group} may not be renamed or reordered on resize"
                found.forbidden(f"spec.{group}[{index}].name", rule)
    return found.count == before


def _check_group(found: Findings, group: str, new: pod_pb2.PodSpec, old: pod_pb2.PodSpec) -> None:
    for index, (after, before) in enumerate(zip(getattr(new, group), getattr(old, group), strict=True)):
        is_init = group == "initContainers"
        if is_init and before.restartPolicy != "Always":
            if after != before:
                found.forbidden("spec", "resources for non-sidecar init containers are immutable")
            continue
        for side in ("requests", "limits"):
            if getattr(before.resources, side).keys() - getattr(after.resources, side).keys():
                found.forbidden(f"spec.{group}[{index}].resources.{side}", _REMOVED.format(side))
        if _unresizable(after) != _unresizable(before):
            whose = "resources for sidecar containers" if is_init else "resources"
            found.forbidden("spec", f"only cpu and memory {whose} are mutable")


def _unresizable(container: pod_pb2.Container) -> pod_pb2.Container:
    """A copy without what a resize may change."""
    rest = pod_pb2.Container()
    rest.CopyFrom(container)
    rest.resources.CopyFrom(_unchanging(container.resources))
    if not rest.resources.ListFields():
        rest.ClearField("resources")
    return rest


def _drop(amounts: Mapping[str, meta_pb2.Quantity], names: Holder[str]) -> None:
    for name in [each for each in amounts if each in names]:
        del amounts[name]  # type: ignore[attr-defined]
