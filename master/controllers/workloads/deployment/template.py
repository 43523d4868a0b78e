"""Which ReplicaSet stands for a pod template. The template is compared as such; its hash only makes a name."""

from __future__ import annotations

from collections.abc import Iterable

from podlab.apps.v1 import deployment_pb2, replicaset_pb2
from podlab.core.v1 import pod_pb2

HASH_LABEL = "pod-template-hash"


def same_template(deployment: deployment_pb2.Deployment, replica_set: replicaset_pb2.ReplicaSet) -> bool:
    """True when they differ in the hash label at most."""
    return _bare(deployment.spec.template) == _bare(replica_set.spec.template)


def by_age(replica_sets: Iterable[replicaset_pb2.ReplicaSet]) -> list[replicaset_pb2.ReplicaSet]:
    """Oldest first; names decide among those of one second."""
    return sorted(replica_sets, key=lambda one: (one.metadata.creationTimestamp.seconds, one.metadata.name))


def find_new(
    deployment: deployment_pb2.Deployment, replica_sets: Iterable[replicaset_pb2.ReplicaSet]
) -> replicaset_pb2.ReplicaSet | None:
    """The ReplicaSet of the present template, the oldest one should there be several."""
    return next((one for one in by_age(replica_sets) if same_template(deployment, one)), None)


def _bare(template: pod_pb2.PodTemplateSpec) -> pod_pb2.PodTemplateSpec:
    if HASH_LABEL not in template.metadata.labels:
        return template
    bare = pod_pb2.PodTemplateSpec()
    bare.CopyFrom(template)
    del bare.metadata.labels[HASH_LABEL]
    return bare
