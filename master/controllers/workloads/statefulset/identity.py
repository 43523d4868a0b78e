"""Who each pod of a StatefulSet is: its name, labels, host name and claims, which follow from its ordinal.

https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-identity
"""

from __future__ import annotations

from collections.abc import Mapping

from master.controllers.objects.podtemplate import new_pod
from master.controllers.workloads.controllerrevisions.decide import HASH_LABEL
from podlab.apps.v1 import statefulset_pb2
from podlab.core.v1 import pod_pb2, volume_pb2
from podlab.meta.v1 import meta_pb2

NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"


def ordinals(stateful_set: statefulset_pb2.StatefulSet) -> range:
    """The numbers of the pods that there are to be."""
    start = stateful_set.spec.ordinals.start
    return range(start, start + stateful_set.spec.replicas)


def ordinal_of(stateful_set: statefulset_pb2.StatefulSet, pod: pod_pb2.Pod) -> int | None:
    """None where the name is not one that this set gives."""
    prefix, _, number = pod.metadata.name.rpartition("-")
    if prefix != stateful_set.metadata.name or not number.isascii() or not number.isdecimal():
        return None
    return int(number) if str(int(number)) == number else None


def is_member(stateful_set: statefulset_pb2.StatefulSet, pod: pod_pb2.Pod) -> bool:
    """Whether the pod can be one of this set's, going by its name."""
    return ordinal_of(stateful_set, pod) is not None


def pod_name(stateful_set: statefulset_pb2.StatefulSet, ordinal: int) -> str:
    return f"{stateful_set.metadata.name}-{ordinal}"


def pod_for(
    stateful_set: statefulset_pb2.StatefulSet, ordinal: int, template: pod_pb2.PodTemplateSpec, revision: str
) -> pod_pb2.Pod:
    """A new pod of the template, which is the one that `revision` keeps."""
    name = pod_name(stateful_set, ordinal)
    pod = new_pod(stateful_set, template, name)
    pod.metadata.labels.update({**identity_labels(name), HASH_LABEL: revision})
    pod.spec.hostname, pod.spec.subdomain = name, stateful_set.spec.serviceName
    _mount_claims(pod, claim_names(stateful_set, name))
    return pod


def identity_labels(name: str) -> dict[str, str]:
    """The labels by which one pod can be picked out: by its name, and by its number."""
    return {NAME_LABEL: name, INDEX_LABEL: name.rpartition("-")[2]}


def with_identity(pod: pod_pb2.Pod) -> pod_pb2.Pod | None:
    """The pod with its identity's labels, which one that was adopted may lack; None where it has them."""
    labels = identity_labels(pod.metadata.name)
    if all(pod.metadata.labels.get(name) == value for name, value in labels.items()):
        return None
    wanted = pod_pb2.Pod()
    wanted.CopyFrom(pod)
    wanted.metadata.labels.update(labels)
    return wanted


def claim_names(stateful_set: statefulset_pb2.StatefulSet, pod: str) -> dict[str, str]:
    """The names of the pod's claims, by their template's."""
    templates = (template.metadata.name for template in stateful_set.spec.volumeClaimTemplates)
    return {template: f"{template}-{pod}" for template in templates}


def claims_for(stateful_set: statefulset_pb2.StatefulSet, pod: str) -> list[volume_pb2.PersistentVolumeClaim]:
    """The claims that the pod needs, whether they are there or not."""
    made = []
    for template in stateful_set.spec.volumeClaimTemplates:
        claim = volume_pb2.PersistentVolumeClaim(
            metadata=meta_pb2.ObjectMeta(
                name=f"{template.metadata.name}-{pod}",
                namespace=stateful_set.metadata.namespace,
                labels={**template.metadata.labels, **stateful_set.spec.selector.matchLabels},
                annotations=template.metadata.annotations,
            ),
            spec=template.spec,
        )
        made.append(claim)
    return made


def _mount_claims(pod: pod_pb2.Pod, claims: Mapping[str, str]) -> None:
    """A claim takes the place of a volume that has its template's name."""
    others = [volume for volume in pod.spec.volumes if volume.name not in claims]
    del pod.spec.volumes[:]
    for template, claim in claims.items():
        source = pod_pb2.PersistentVolumeClaimVolumeSource(claimName=claim)
        pod.spec.volumes.add(name=template, volumeSource=pod_pb2.VolumeSource(persistentVolumeClaim=source))
    pod.spec.volumes.extend(others)
