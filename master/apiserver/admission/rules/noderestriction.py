"""Keeps a kubelet from making its node, or pods on it, look like what they are not. `refusal` is pure.

Rules and words are those of Kubernetes' NodeRestriction
(https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from google.protobuf.message import Message

from master.apiserver.authorization.node_graph import references
from podlab.api.pods.volumes import LOCAL_PATH, local_path_node
from podlab.api.selection.labels import MIRROR_ANNOTATION
from podlab.authentication.v1.token_pb2 import TokenRequestSpec
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import node_pb2, pod_pb2, volume_pb2
from podlab.meta.v1 import meta_pb2

RESERVED = "node-restriction.kubernetes.io"
_KUBERNETES_DOMAINS = ("kubernetes.io", "k8s.io")
_OWN_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_OWN_LABELS = frozenset(
    {
        "kubernetes.io/hostname",
        "kubernetes.io/arch",
        "kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/instance-type",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
    }
)
# What Kubernetes calls some of what a pod refers to.
_WORDS = {"serviceaccounts": "a service account"}


def refusal(node: str, new: Message | None, old: Message | None, node_uid: Callable[[str], str]) -> str:
    """Why the node's kubelet may not write this; empty when it may."""
    if isinstance(new, node_pb2.Node):
        return _node_created(node, new) if old is None else _node_updated(node, new, old)
    if isinstance(new, lease_pb2.Lease) and new.metadata.name != node:
        return "can only access node lease with the same name as the requesting node"
    if isinstance(old, volume_pb2.PersistentVolume):
        return _volume_updated(node, new, old)
    if isinstance(old, pod_pb2.Pod):
        if isinstance(new, pod_pb2.Pod) and new.metadata.labels != old.metadata.labels:
            return f'node "{node}" cannot update labels through pod status'
        done = "update pod status for pods" if new is not None else "delete pods"
        return "" if old.spec.nodeName == node else f'node "{node}" can only {done} with spec.nodeName set to itself'
    return _pod_created(node, new, node_uid) if isinstance(new, pod_pb2.Pod) else ""


def token_refusal(node: str, spec: TokenRequestSpec, pod_of: Callable[[str], pod_pb2.Pod]) -> str:
    """Why the node's kubelet may not have such a token; empty when it may: it is bound to a pod that runs there."""
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
    return "" if pod.spec.nodeName == node else "node requested token bound to a pod scheduled on a different node"


def _node_created(node: str, new: node_pb2.Node) -> str:
    if new.metadata.name != node:
        return f'node "{node}" is not allowed to modify node "{new.metadata.name}"'
    labels = _forbidden_labels(new.metadata.labels, {})
    return f"is not allowed to set the following labels: {labels}" if labels else ""


def _volume_updated(node: str, new: Message | None, old: volume_pb2.PersistentVolume) -> str:
    """Its directories are volumes: by a finalizer the node says whether it holds data, and that is all it says."""
    same = [_without_finalizer(one) for one in (new, old) if isinstance(one, volume_pb2.PersistentVolume)]
    if local_path_node(old) == node and len(same) == 2 and same[0] == same[1]:
        return ""
    return f'node "{node}" can only update the finalizer {LOCAL_PATH} of volumes on itself'


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
    used = sorted({_WORDS.get(resource, resource) for resource, _, _ in references(pod)})
    return f'node "{node}" can not create pods that reference {" or ".join(used)}' if used else ""


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
