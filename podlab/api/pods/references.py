"""The objects of the API that a pod names."""

from __future__ import annotations

from collections.abc import Iterator

from podlab.api.pods import containers, resourceclaims, volumes
from podlab.core.v1 import pod_pb2

Reference = tuple[str, str, str]
"""Resource, namespace, name."""


def references(pod: pod_pb2.Pod) -> Iterator[Reference]:
    """What a pod's volumes, claims and environment name, its service account, and what its images are pulled with."""
    namespace = pod.metadata.namespace
    if pod.spec.serviceAccountName:
        yield "serviceaccounts", namespace, pod.spec.serviceAccountName
    for secret in pod.spec.imagePullSecrets:
        yield "secrets", namespace, secret.name
    for volume in pod.spec.volumes:
        for resource, name in _mounted(volume.volumeSource):
            yield resource, namespace, name
    for name in volumes.claims_of(pod):
        yield "persistentvolumeclaims", namespace, name
    for claim in resourceclaims.known(pod):
        yield "resourceclaims", namespace, claim.name
    for container in containers.every(pod.spec):
        for resource, name in _in_environment(container):
            yield resource, namespace, name


def _mounted(source: pod_pb2.VolumeSource) -> Iterator[tuple[str, str]]:
    if source.HasField("secret"):
        yield "secrets", source.secret.secretName
    if source.csi.HasField("nodePublishSecretRef"):
        yield "secrets", source.csi.nodePublishSecretRef.name
    if source.HasField("configMap"):
        yield "configmaps", source.configMap.localObjectReference.name
    for part in source.projected.sources:
        if part.HasField("secret"):
            yield "secrets", part.secret.localObjectReference.name
        if part.HasField("configMap"):
            yield "configmaps", part.configMap.localObjectReference.name


def _in_environment(container: pod_pb2.Container) -> Iterator[tuple[str, str]]:
    for source in container.envFrom:
        if source.HasField("configMapRef"):
            yield "configmaps", source.configMapRef.localObjectReference.name
        if source.HasField("secretRef"):
            yield "secrets", source.secretRef.localObjectReference.name
    for variable in container.env:
        if not variable.HasField("valueFrom"):
            continue
        if variable.valueFrom.HasField("configMapKeyRef"):
            yield "configmaps", variable.valueFrom.configMapKeyRef.localObjectReference.name
        if variable.valueFrom.HasField("secretKeyRef"):
            yield "secrets", variable.valueFrom.secretKeyRef.localObjectReference.name
