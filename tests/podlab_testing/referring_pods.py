"""A pod that names objects of the API in every way there is."""

from __future__ import annotations

from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2


def user_pod(node: str = "") -> pod_pb2.Pod:
    """Of namespace `team`, bound to the node, if there is one."""
    pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="web", namespace="team"))
    pod.spec.nodeName = node
    pod.spec.volumes.add(name="a").volumeSource.secret.secretName = "in-volume"
    pod.spec.volumes.add(name="b").volumeSource.configMap.localObjectReference.name = "map-in-volume"
    parts = pod.spec.volumes.add(name="c").volumeSource.projected.sources
    parts.add().secret.localObjectReference.name = "in-projected"
    parts.add().configMap.localObjectReference.name = "map-in-projected"
    container = pod.spec.containers.add(name="main")
    container.envFrom.add().secretRef.localObjectReference.name = "in-env-from"
    container.envFrom.add().configMapRef.localObjectReference.name = "map-in-env-from"
    key = pod.spec.initContainers.add(name="first").env.add(name="E").valueFrom.secretKeyRef
    key.localObjectReference.name = "in-env"
    container.env.add(name="F").valueFrom.configMapKeyRef.localObjectReference.name = "map-in-env"
    pod.spec.imagePullSecrets.add(name="to-pull")
    pod.spec.serviceAccountName = "robot"
    pod.spec.volumes.add(name="d").volumeSource.persistentVolumeClaim.claimName = "claim"
    pod.spec.resourceClaims.add(name="shared", resourceClaimName="all-gpus")
    pod.spec.resourceClaims.add(name="own", resourceClaimTemplateName="one-gpu")
    pod.spec.resourceClaims.add(name="to-be-made", resourceClaimTemplateName="one-gpu")
    pod.status.resourceClaimStatuses.add(name="own", resourceClaimName="web-own-x7")
    pod.status.extendedResourceClaimStatus.resourceClaimName = "web-extended-x7"
    return pod
