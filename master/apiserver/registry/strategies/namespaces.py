"""Namespaces: their phase, and the finalizer that keeps them until they are empty."""

from __future__ import annotations

import uuid

from master.apiserver.admission.serviceaccount import DEFAULT as DEFAULT_ACCOUNT
from master.apiserver.watchcache import keys
from master.store.contract import Delete, Put
from podlab.api import kinds
from podlab.core.v1 import namespace_pb2, serviceaccount_pb2
from podlab.meta.v1 import meta_pb2

FINALIZER = "kubernetes"
ACTIVE, TERMINATING = "Active", "Terminating"

# The cluster itself stands in them, so they are made when missing and never deleted.
PERMANENT = ("default", "kube-system", "kube-public", "kube-node-lease")


def opening(namespace: namespace_pb2.Namespace) -> list[Put | Delete]:
    """What is committed with a new Namespace: the account that its pods act as, so that none comes too early."""
    metadata = meta_pb2.ObjectMeta(
        name=DEFAULT_ACCOUNT,
        namespace=namespace.metadata.name,
        uid=str(uuid.uuid4()),
        creationTimestamp=namespace.metadata.creationTimestamp,
    )
    account = serviceaccount_pb2.ServiceAccount(metadata=metadata)
    key = keys.object_key(kinds.of(account), metadata.namespace, metadata.name)
    return [Put(key, account.SerializeToString(), None)]


def begin(namespace: namespace_pb2.Namespace) -> None:
    """A new Namespace is active, and stays until the namespace controller has emptied it."""
    namespace.status.phase = ACTIVE
    if FINALIZER not in namespace.spec.finalizers:
        namespace.spec.finalizers.append(FINALIZER)


def keep_finalizers(new: namespace_pb2.Namespace, old: namespace_pb2.Namespace) -> None:
    """Only a terminating Namespace lets go of finalizers, and none ever takes new ones."""
    terminating = old.metadata.HasField("deletionTimestamp")
    kept = [name for name in old.spec.finalizers if not terminating or name in new.spec.finalizers]
    new.spec.finalizers[:] = kept


def keep_phase(new: namespace_pb2.Namespace, old: namespace_pb2.Namespace) -> None:
    """Whoever writes conditions may have read the phase before the deletion."""
    new.status.phase = TERMINATING if old.metadata.HasField("deletionTimestamp") else ACTIVE


def closing(new: namespace_pb2.Namespace, old: namespace_pb2.Namespace) -> list[Put | Delete]:
    """What is committed with the deletion mark: it makes `still_open` fail."""
    if old.metadata.HasField("deletionTimestamp") or not new.metadata.HasField("deletionTimestamp"):
        return []
    return [Put(_closed(new.metadata.name), b"", None)]


def closed(name: str) -> list[Put | Delete]:
    """What is committed with the end of a Namespace."""
    return [Delete(_closed(name), None)]


def still_open(name: str) -> Delete:
    """Committed with each new object of the Namespace, it changes nothing, and fails once deletion has begun.

    The cache may not know of that yet: an object that slipped in could outlive its Namespace.
    """
    return Delete(_closed(name), 0)


def _closed(name: str) -> str:
    return keys.claim_key("closedNamespaces", name)
