"""How many pods there should be of those that a pod belongs to."""

from __future__ import annotations

from master.controllers.framework.informers import Informers
from master.controllers.framework.scalable import SCALABLE, workload
from master.controllers.workloads.disruption.decide import UnknownScale, WorkloadScale
from podlab.api import kinds
from podlab.api.objects import controller_of
from podlab.core.v1 import pod_pb2
from podlab.errors import NotFound
from podlab.meta.v1 import meta_pb2


def of_pod(informers: Informers, pod: pod_pb2.Pod) -> WorkloadScale | UnknownScale | None:
    """The scale of what manages the pod, or of the Deployment above that; None when nothing manages it."""
    owner = controller_of(pod.metadata)
    if owner is None:
        return None
    if owner.kind not in SCALABLE:
        return UnknownScale(f"{_resource(owner)} does not implement the scale subresource")
    found = workload(informers, owner.kind, owner.name, pod.metadata.namespace)
    if found is None or found.metadata.uid != owner.uid:
        return UnknownScale(f'found no controllers for pod "{pod.metadata.name}"')
    above = controller_of(found.metadata)
    if above is not None:
        higher = workload(informers, above.kind, above.name, pod.metadata.namespace)
        if higher is not None and higher.metadata.uid == above.uid:
            found = higher
    return WorkloadScale(found.metadata.uid, found.spec.replicas)


def _resource(owner: meta_pb2.OwnerReference) -> str:
    try:
        return kinds.by_name(owner.kind).resource
    except NotFound:
        return owner.kind
