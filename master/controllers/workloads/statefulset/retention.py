"""What becomes of a pod's claims: the owners that they have are those with which they shall go.

https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention
"""

from __future__ import annotations

from master.controllers.objects.ownership import reference_to, without_owner
from master.controllers.workloads.statefulset.identity import ordinal_of, ordinals
from podlab.api.objects import controller_of
from podlab.apps.v1 import statefulset_pb2
from podlab.core.v1 import pod_pb2, volume_pb2
from podlab.meta.v1 import meta_pb2

DELETE = "Delete"


def retained(
    stateful_set: statefulset_pb2.StatefulSet, pod: pod_pb2.Pod, claim: volume_pb2.PersistentVolumeClaim
) -> volume_pb2.PersistentVolumeClaim | None:
    """The claim with the owners that the policy gives it, None where it has them. Another's claim stays another's."""
    wanted = volume_pb2.PersistentVolumeClaim()
    wanted.CopyFrom(claim)
    without_owner(wanted.metadata, frozenset({stateful_set.metadata.uid, pod.metadata.uid}))
    owner = _owner(stateful_set, pod)
    if owner is not None and controller_of(wanted.metadata) is None:
        wanted.metadata.ownerReferences.append(owner)
    return None if _uids(wanted) == _uids(claim) else wanted


def is_stale(pod_name: str, pod_uid: str, claim: volume_pb2.PersistentVolumeClaim) -> bool:
    """The claim goes with an earlier pod of the same name: the next one must wait for a new one."""
    return any(
        owner.kind == "Pod" and owner.name == pod_name and owner.uid != pod_uid
        for owner in claim.metadata.ownerReferences
    )


def _owner(stateful_set: statefulset_pb2.StatefulSet, pod: pod_pb2.Pod) -> meta_pb2.OwnerReference | None:
    policy = stateful_set.spec.persistentVolumeClaimRetentionPolicy
    if policy.whenScaled == DELETE and ordinal_of(stateful_set, pod) not in ordinals(stateful_set):
        return reference_to(pod)
    return reference_to(stateful_set) if policy.whenDeleted == DELETE else None


def _uids(claim: volume_pb2.PersistentVolumeClaim) -> set[str]:
    return {owner.uid for owner in claim.metadata.ownerReferences}
