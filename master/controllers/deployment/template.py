"""Which ReplicaSet stands for a pod template, and the hash that keeps the pods of two templates apart.

The template is compared as such; the hash only has to make a name, and may collide.
"""

from __future__ import annotations

from collections.abc import Iterable

from podlab.apps.v1 import deployment_pb2, replicaset_pb2
from podlab.core.v1 import pod_pb2

HASH_LABEL = "pod-template-hash"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_FNV_OFFSET, _FNV_PRIME = 0x811C9DC5, 0x01000193


def template_hash(template: pod_pb2.PodTemplateSpec, collisions: int) -> str:
    """A short word for the template; another one for each number of collisions met so far."""
    digest = _FNV_OFFSET
    for byte in template.SerializeToString(deterministic=True) + (str(collisions).encode() if collisions else b""):
        digest = ((digest ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(digest))


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
