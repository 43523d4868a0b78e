"""Namespaces: where objects may be made, which of them are never deleted, and the mark of one that goes."""

from __future__ import annotations

from functools import lru_cache

from master.apiserver.admission.rules.refusal import refused
from master.apiserver.watchcache import keys
from master.store.contract import Delete, Put
from podlab.api.kinds import Kind
from podlab.core.v1 import namespace_pb2
from podlab.errors import NAMESPACE_TERMINATING, Cause, Forbidden, NotFound

# The cluster itself stands in them, so they are made when missing and never deleted.
PERMANENT = ("default", "kube-system", "kube-public", "kube-node-lease")


def check_home(kind: Kind, name: str, namespace: str, home: namespace_pb2.Namespace | None) -> None:
    """Whether a new object of the kind may be made in the namespace, as it is found. Raises NotFound or Forbidden."""
    if home is None:
        raise NotFound.of("namespaces", namespace)
    if home.metadata.HasField("deletionTimestamp"):
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        told = f"namespace {namespace} is being terminated"
        raise refused(kind, name, why, Cause("metadata.namespace", NAMESPACE_TERMINATING, told))


def check_deletable(name: str) -> None:
    """Raises Forbidden."""
    if name in PERMANENT:
        raise Forbidden(f'namespaces "{name}" is forbidden: this namespace may not be deleted')


@lru_cache(maxsize=1024)
def still_open(name: str) -> Delete:
    """Committed with each new object of the Namespace, it changes nothing, and fails once deletion has begun."""
    return Delete(_closed(name), 0)


def closing(new: namespace_pb2.Namespace, old: namespace_pb2.Namespace) -> list[Put]:
    """What is committed with the deletion mark: it makes `still_open` fail."""
    if old.metadata.HasField("deletionTimestamp") or not new.metadata.HasField("deletionTimestamp"):
        return []
    return [Put(_closed(new.metadata.name), b"", None)]


def closed(name: str) -> list[Delete]:
    """What is committed with the end of a Namespace."""
    return [Delete(_closed(name), None)]


def _closed(name: str) -> str:
    return keys.claim_key("closedNamespaces", name)
