"""Keeps a kubelet from making its node, or pods on it, look like what they are not. `refusal` is pure.

Rules and words are those of Kubernetes' NodeRestriction
(https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from google.protobuf.message import Message

from master.apiserver.authorization.node import NODE_LEASES
from podlab import subject
from podlab.api.certificatestate import KUBELET_CLIENTS, KUBELET_SERVERS
from podlab.api.pods.references import references
from podlab.api.pods.volumes import LOCAL_PATH, local_path_node
from podlab.api.selection.labels import (
    ARCH_LABEL,
    HOSTNAME_LABEL,
    LEGACY_REGION_LABEL,
    LEGACY_ZONE_LABEL,
    MIRROR_ANNOTATION,
    OS_LABEL,
    REGION_LABEL,
    ZONE_LABEL,
)
from podlab.authentication.v1.token_pb2 import TokenRequestSpec
from podlab.certificates.v1 import certificatesigningrequest_pb2
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import node_pb2, pod_pb2, volume_pb2
from podlab.kinds.validation.cluster import certificates
from podlab.meta.v1 import meta_pb2
from podlab.resource.v1 import resourceslice_pb2
from podlab.storage.v1 import csi_pb2

RESERVED = "node-restriction.kubernetes.io"
_KUBERNETES_DOMAINS = ("kubernetes.io", "k8s.io")
_OWN_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_OWN_LABELS = frozenset(
    {
        HOSTNAME_LABEL,
        ARCH_LABEL,
        OS_LABEL,
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/instance-type",
        REGION_LABEL,
        ZONE_LABEL,
        LEGACY_REGION_LABEL,
        LEGACY_ZONE_LABEL,
    }
)
# What a pod of a kubelet's own may not refer to, in the order in which Kubernetes looks at it, and its words for it.
_REFERENCES = {
    "serviceaccounts": "a service account",
    "secrets": "secrets",
    "configmaps": "configmaps",
    "persistentvolumeclaims": "persistentvolumeclaims",
    "resourceclaims": "resourceclaims",
}
_CERTIFICATES = frozenset({KUBELET_SERVERS, KUBELET_CLIENTS})


def refusal(
    node: str,
    new: Message | None,
    old: Message | None,
    node_uid: Callable[[str], str],
    *,
    evicts: bool = False,
) -> str:
    """Why the node's kubelet may not write this; empty when it may. `evicts` tells an eviction from a deletion."""
    match new if new is not None else old:
        case node_pb2.Node() as its:
            return _node_written(node, its, new, old)
        case lease_pb2.Lease() as lease:
            return _lease(node, lease)
        case csi_pb2.CSINode() as its_drivers if its_drivers.metadata.name != node:
            return "can only access CSINode with the same name as the requesting node"
        case resourceslice_pb2.ResourceSlice() as devices if new is None or old is None:
            done = "create" if new is not None else "delete"
            told = f"can only {done} ResourceSlice with the same NodeName as the requesting node"
            return "" if devices.spec.nodeName == node else told
        case certificatesigningrequest_pb2.CertificateSigningRequest() as request if old is None:
            return _certificate(node, request)
        case volume_pb2.PersistentVolume() if isinstance(old, volume_pb2.PersistentVolume):
            return _volume_updated(node, new, old)
        case volume_pb2.PersistentVolumeClaim() if isinstance(old, volume_pb2.PersistentVolumeClaim):
            return _claim_updated(node, new, old)
        case pod_pb2.Pod() if isinstance(old, pod_pb2.Pod):
            return _pod_changed(node, new, old, evicts=evicts)
        case pod_pb2.Pod() as pod:
            return _pod_created(node, pod, node_uid)
    return ""


def _lease(node: str, lease: lease_pb2.Lease) -> str:
    if lease.metadata.namespace != NODE_LEASES:
        return f'can only access leases in the "{NODE_LEASES}" system namespace'
    if lease.metadata.name != node:
        return "can only access node lease with the same name as the requesting node"
    return ""


def _certificate(node: str, request: certificatesigningrequest_pb2.CertificateSigningRequest) -> str:
    if request.spec.signerName not in _CERTIFICATES:
        return ""
    try:
        found = subject.read(certificates.parse(request.spec.request).subject)
    except ValueError as e:
        return f"unable to parse csr: {e}"
    wanted = f"system:node:{node}"
    return "" if found.common_name == wanted else f"can only create a node CSR with CN={wanted}"


def _pod_changed(node: str, new: Message | None, old: pod_pb2.Pod, *, evicts: bool) -> str:
    if old.spec.nodeName != node:
        done = "evict pods" if evicts else "delete pods" if new is None else "update pod status for pods"
        named = node if evicts else f'"{node}"'
        return f"node {named} can only {done} with spec.nodeName set to itself"
    if isinstance(new, pod_pb2.Pod) and new.metadata.labels != old.metadata.labels:
        return f'node "{node}" cannot update labels through pod status'
    if isinstance(new, pod_pb2.Pod) and new.status.resourceClaimStatuses != old.status.resourceClaimStatuses:
        return f'node "{node}" cannot update resource claim statues'
    if isinstance(new, pod_pb2.Pod) and _extended(new) != _extended(old):
        return f'node "{node}" cannot update extended resource claim status'
    return ""


def _extended(pod: pod_pb2.Pod) -> pod_pb2.PodExtendedResourceClaimStatus:
    return pod.status.extendedResourceClaimStatus


def token_refusal(
    node: str,
    spec: TokenRequestSpec,
    pod_of: Callable[[str], pod_pb2.Pod],
    may_ask_for: Callable[[str], bool] = lambda _: False,
) -> str:
    """Why the node's kubelet may not have such a token; empty when it may: it is bound to a pod that runs there, for an
    audience that the pod names, or that the node `may_ask_for`."""
    bound = spec.boundObjectRef
    if (bound.apiVersion, bound.kind) != ("v1", "Pod") or not bound.name:
        return "node requested token not bound to a pod"
    if not bound.uid:
        return "node requested token with a pod binding without a uid"
    pod = pod_of(bound.name)
    if bound.uid != pod.metadata.uid:
        return (
            f"the UID in the bound object reference ({bound.uid}) does not match the UID in record. The object might "
            "have been deleted and then recreated"
        )
    if pod.spec.nodeName != node:
        return "node requested token bound to a pod scheduled on a different node"
    if len(spec.audiences) > 1:
        return "node may only request 0 or 1 audiences"
    audience = spec.audiences[0] if spec.audiences else ""
    if audience in _audiences(pod) or may_ask_for(audience):
        return ""
    told = f"system:node:{node} is not authorized to request tokens for this audience"
    return f'audience "{audience}" not found in pod spec volume, {told}'


def _audiences(pod: pod_pb2.Pod) -> set[str]:
    """Those of the tokens in the pod's volumes; empty is the API server."""
    return {
        source.serviceAccountToken.audience
        for volume in pod.spec.volumes
        for source in volume.volumeSource.projected.sources
        if source.HasField("serviceAccountToken")
    }


def _node_written(node: str, its: node_pb2.Node, new: Message | None, old: Message | None) -> str:
    if its.metadata.name != node:
        return f'node "{node}" is not allowed to modify node "{its.metadata.name}"'
    if new is None:
        return ""
    return _node_created(node, its) if old is None else _node_updated(node, its, old)


def _node_created(node: str, new: node_pb2.Node) -> str:
    labels = _forbidden_labels(new.metadata.labels, {})
    return f'node "{node}" is not allowed to set the following labels: {labels}' if labels else ""


def _volume_updated(node: str, new: Message | None, old: volume_pb2.PersistentVolume) -> str:
    """Its directories are volumes: by a finalizer the node says whether it holds data, and that is all it says."""
    same = [_without_finalizer(one) for one in (new, old) if isinstance(one, volume_pb2.PersistentVolume)]
    if local_path_node(old) == node and len(same) == 2 and same[0] == same[1]:
        return ""
    return f'node "{node}" can only update the finalizer {LOCAL_PATH} of volumes on itself'


def _claim_updated(node: str, new: Message | None, old: volume_pb2.PersistentVolumeClaim) -> str:
    """Of a claim that its pods use, the node says how large the volume has become."""
    same = [_without_size(one) for one in (new, old) if isinstance(one, volume_pb2.PersistentVolumeClaim)]
    if len(same) == 2 and same[0] == same[1]:
        return ""
    return f'node "{node}" is not allowed to update fields other than status.capacity and status.conditions'


def _without_size(claim: volume_pb2.PersistentVolumeClaim) -> volume_pb2.PersistentVolumeClaim:
    rest = volume_pb2.PersistentVolumeClaim()
    rest.CopyFrom(claim)
    for field in ("capacity", "conditions", "allocatedResources", "allocatedResourceStatuses"):
        rest.status.ClearField(field)
    rest.metadata.resourceVersion = ""
    return rest


def _without_finalizer(volume: volume_pb2.PersistentVolume) -> volume_pb2.PersistentVolume:
    rest = volume_pb2.PersistentVolume()
    rest.CopyFrom(volume)
    rest.metadata.finalizers[:] = [name for name in volume.metadata.finalizers if name != LOCAL_PATH]
    rest.metadata.resourceVersion = ""
    return rest


def _node_updated(node: str, new: node_pb2.Node, old: Message) -> str:
    assert isinstance(old, node_pb2.Node)
    if new.spec.taints != old.spec.taints:
        return f'node "{node}" is not allowed to modify taints'
    if new.metadata.ownerReferences != old.metadata.ownerReferences:
        return f'node "{node}" is not allowed to modify ownerReferences'
    labels = _forbidden_labels(new.metadata.labels, old.metadata.labels)
    return f"is not allowed to modify labels: {labels}" if labels else ""


def _forbidden_labels(new: Mapping[str, str], old: Mapping[str, str]) -> str:
    """Those that differ and are not the kubelet's: by them, workloads would be drawn to the node."""
    changed = {key for key in (*new, *old) if new.get(key) != old.get(key)}
    return ", ".join(sorted(key for key in changed if not _may_set(key)))


def _may_set(key: str) -> bool:
    domain = key.rpartition("/")[0]
    if _within(domain, (RESERVED,)):
        return False
    return key in _OWN_LABELS or _within(domain, _OWN_DOMAINS) or not _within(domain, _KUBERNETES_DOMAINS)


def _within(domain: str, domains: tuple[str, ...]) -> bool:
    return any(domain == one or domain.endswith(f".{one}") for one in domains)


def _pod_created(node: str, pod: pod_pb2.Pod, node_uid: Callable[[str], str]) -> str:
    if MIRROR_ANNOTATION not in pod.metadata.annotations:
        return f'pod does not have "{MIRROR_ANNOTATION}" annotation, node "{node}" can only create mirror pods'
    if pod.spec.nodeName != node:
        return f'node "{node}" can only create pods with spec.nodeName set to itself'
    if why := _wrong_owner(node, pod.metadata.ownerReferences, node_uid):
        return why
    used = {resource for resource, _, _ in references(pod)} | ({"resourceclaims"} if pod.spec.resourceClaims else set())
    first = next((words for resource, words in _REFERENCES.items() if resource in used), None)
    return f'node "{node}" can not create pods that reference {first}' if first is not None else ""


def _wrong_owner(node: str, owners: Sequence[meta_pb2.OwnerReference], node_uid: Callable[[str], str]) -> str:
    if len(owners) > 1:
        return f'node "{node}" can only create pods with a single owner reference set to itself'
    if not owners or (owners[0].apiVersion, owners[0].kind, owners[0].name) != ("v1", "Node", node):
        return f'node "{node}" can only create pods with an owner reference set to itself'
    if not owners[0].controller:
        return f'node "{node}" can only create pods with a controller owner reference set to itself'
    if owners[0].blockOwnerDeletion:
        return f'node "{node}" must not set blockOwnerDeletion on an owner reference'
    if owners[0].uid != (uid := node_uid(node)):
        return f"node {node} UID mismatch: expected {owners[0].uid} got {uid}"
    return ""
