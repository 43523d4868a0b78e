"""How many pods there should be of those that a pod belongs to."""

from __future__ import annotations

from master.controllers.framework.informers import Informers
from master.controllers.framework.scalable import workload
from master.controllers.workloads.disruption.decide import UnknownScale, WorkloadScale
from podlab.api.objects import controller_of, owner_kind
from podlab.core.v1 import pod_pb2
from podlab.kinds.catalog import Catalog
from podlab.meta.v1 import meta_pb2


def of_pod(informers: Informers, pod: pod_pb2.Pod) -> WorkloadScale | UnknownScale | None:
    """The scale of what manages the pod, or of the Deployment above that; None when nothing manages it."""
    owner = controller_of(pod.metadata)
    if owner is None:
        return None
    catalog = informers.catalog.catalog
    if not catalog.is_scalable(owner_kind(owner)):
        return UnknownScale(f"{_resource(catalog, owner)} does not implement the scale subresource")
    found = workload(informers, owner_kind(owner), owner.name, pod.metadata.namespace)
    if found is None or found.metadata.uid != owner.uid:
        return UnknownScale(f'found no controllers for pod "{pod.metadata.name}"')
    scales, above = owner_kind(owner), controller_of(found.metadata)
    if above is not None:
        higher = workload(informers, owner_kind(above), above.name, pod.metadata.namespace)
        if higher is not None and higher.metadata.uid == above.uid:
            found, scales = higher, owner_kind(above)
    return WorkloadScale(found.metadata.uid, catalog.resource(scales).scaling.replicas(found).wanted)


def _resource(catalog: Catalog, owner: meta_pb2.OwnerReference) -> str:
    kind = catalog.get(*owner_kind(owner))
    return kind.resource if kind is not None else owner.kind
