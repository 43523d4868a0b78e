"""Service accounts: whom a new pod acts as, and how its containers come by a token.

https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#serviceaccount-admission-controller
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable

from master.apiserver.admission.rules.refusal import forbidden
from master.apiserver.watchcache import keys
from master.store.contract import Put
from podlab.api import kinds
from podlab.api.selection.labels import MIRROR_ANNOTATION
from podlab.core.v1 import namespace_pb2, pod_pb2, serviceaccount_pb2
from podlab.meta.v1 import meta_pb2

DEFAULT = "default"
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a place, not a token
_VOLUME_PREFIX = "kube-api-access-"
_ROOT_CA = "kube-root-ca.crt"
# Kubernetes' figure: an hour, and seven seconds by which its own tokens are told from others.
_TOKEN_S = 3607
_FILE_MODE = 0o644

Account = serviceaccount_pb2.ServiceAccount


def complete(pod: pod_pb2.Pod, find: Callable[[str], Account | None]) -> None:
    """Give the pod its account, that account's pull secrets, and a volume with a token. Raises Forbidden.

    `find` knows the accounts of the pod's namespace.
    """
    if MIRROR_ANNOTATION in pod.metadata.annotations:
        _check_mirror(pod)
        return
    spec = pod.spec
    spec.serviceAccountName = spec.serviceAccountName or DEFAULT
    spec.serviceAccount = spec.serviceAccountName
    account = find(spec.serviceAccountName)
    if account is None:
        at = f"{pod.metadata.namespace}/{spec.serviceAccountName}"
        why = f'error looking up service account {at}: serviceaccount "{spec.serviceAccountName}" not found'
        raise forbidden(pod, why)
    if not spec.imagePullSecrets:
        spec.imagePullSecrets.extend(account.imagePullSecrets)
    if _wants_token(spec, account):
        _mount_token(spec)


def of_namespace(namespace: namespace_pb2.Namespace) -> list[Put]:
    """What is committed with a new Namespace: the account that its pods act as, so that none comes too early."""
    metadata = meta_pb2.ObjectMeta(
        name=DEFAULT,
        namespace=namespace.metadata.name,
        uid=str(uuid.uuid4()),
        creationTimestamp=namespace.metadata.creationTimestamp,
    )
    account = Account(metadata=metadata)
    key = keys.object_key(kinds.of(account), metadata.namespace, metadata.name)
    return [Put(key, account.SerializeToString(), None)]


def _check_mirror(pod: pod_pb2.Pod) -> None:
    """What a kubelet runs from its own files acts as nobody."""
    if pod.spec.serviceAccountName:
        raise forbidden(pod, "a mirror pod may not reference service accounts")
    for volume in pod.spec.volumes:
        if any(part.HasField("serviceAccountToken") for part in volume.volumeSource.projected.sources):
            raise forbidden(pod, "a mirror pod may not use ServiceAccountToken volume projections")


def _wants_token(spec: pod_pb2.PodSpec, account: Account) -> bool:
    """The pod's word counts more than its account's; both silent means yes."""
    if spec.HasField("automountServiceAccountToken"):
        return spec.automountServiceAccountToken
    return account.automountServiceAccountToken or not account.HasField("automountServiceAccountToken")


def _mount_token(spec: pod_pb2.PodSpec) -> None:
    """Where Kubernetes draws the volume's name, here it follows from the account: pods of one template stay alike."""
    there = next((volume.name for volume in spec.volumes if volume.name.startswith(_VOLUME_PREFIX)), "")
    name = there or _VOLUME_PREFIX + hashlib.sha256(spec.serviceAccountName.encode()).hexdigest()[:5]
    mounted = False
    for container in (*spec.initContainers, *spec.containers):
        if not any(mount.mountPath == TOKEN_PATH for mount in container.volumeMounts):
            container.volumeMounts.add(name=name, readOnly=True, mountPath=TOKEN_PATH)
            mounted = True
    if mounted and not there:
        spec.volumes.add(name=name).MergeFromString(_TOKEN_VOLUME)


def _token_volume() -> bytes:
    """A token, the authority that the API server's certificate is of, and the namespace's name: encoded once."""
    volume = pod_pb2.Volume()
    made = volume.volumeSource.projected
    made.defaultMode = _FILE_MODE
    token = made.sources.add().serviceAccountToken
    token.expirationSeconds, token.path = _TOKEN_S, "token"
    authority = made.sources.add().configMap
    authority.localObjectReference.name = _ROOT_CA
    authority.items.add(key="ca.crt", path="ca.crt")
    namespace = made.sources.add().downwardAPI.items.add(path="namespace")
    namespace.fieldRef.apiVersion, namespace.fieldRef.fieldPath = "v1", "metadata.namespace"
    return volume.SerializeToString()


_TOKEN_VOLUME = _token_volume()
