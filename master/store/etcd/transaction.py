"""A commit as one transaction of etcd, and what its answer means. Pure.

Each expectation is a comparison with the key's revision. Where one fails, etcd reads all keys with expectations as they
stand in the same moment, so that the first that fails can be told.
"""

from __future__ import annotations

from dataclasses import dataclass

from master.store.contract import Delete, Limits, Put
from master.store.errors import Mismatch
from master.store.etcd.keyspace import Keyspace
from master.store.operations import Operations
from podlab.foreign.etcd.v3 import rpc_pb2 as rpc

# Of each operation a request holds the key up to three times, and some bytes that say what is what.
_KEY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Mark:
    """The store's own key, by which a store is known: made once, and written in every commit."""

    value: bytes
    create_revision: int
    shift: int = 0
    """What this store's revisions are more than etcd's: it goes on from one that was copied."""


class OtherStore:
    """The outcome of a commit into another store than the one that was opened."""


def limits(most_operations: int, most_request_bytes: int) -> Limits:
    """Of a commit, where etcd allows so much in a request: one operation is the mark's."""
    return Limits(most_operations - 1, max(most_request_bytes // 2, most_request_bytes - most_operations * _KEY_BYTES))


def changes_surely(operations: Operations) -> bool:
    """Whether a commit changes something whenever its expectations hold: not where all it does is to delete what may
    be gone."""
    return any(isinstance(operation, Put) or operation.expected for operation in operations)


def commit_request(operations: Operations, space: Keyspace, mark: Mark) -> rpc.TxnRequest:
    """What commits operations that change something surely."""
    request = rpc.TxnRequest(
        compare=[rpc.Compare(target=rpc.Compare.CREATE, key=space.mark, create_revision=mark.create_revision)],
        success=[rpc.RequestOp(request_put=rpc.PutRequest(key=space.mark, value=mark.value))],
    )
    for operation in operations:
        key = space.encoded(operation.key)
        if operation.expected is not None:
            request.compare.add(target=rpc.Compare.MOD, key=key, mod_revision=operation.expected)
            request.failure.add(request_range=rpc.RangeRequest(key=key, keys_only=True))
        if isinstance(operation, Put):
            request.success.add(request_put=rpc.PutRequest(key=key, value=operation.value))
        else:
            request.success.add(request_delete_range=rpc.DeleteRangeRequest(key=key))
    return request


def outcome(operations: Operations, answer: rpc.TxnResponse) -> int | Mismatch | OtherStore:
    """The commit's revision, or the first expectation that failed, or that none of them did."""
    if answer.succeeded:
        return answer.header.revision
    expecting = (operation for operation in operations if operation.expected is not None)
    for operation, read in zip(expecting, answer.responses, strict=True):
        found = _revision(read.response_range)
        if found != operation.expected:
            return Mismatch(operation.key, operation.expected or 0, found)
    return OtherStore()


def looking_request(operations: Operations, space: Keyspace) -> rpc.TxnRequest:
    """What reads the mark's revision, and those of all keys of `operations`, in one moment."""
    keys = (space.mark, *(space.encoded(operation.key) for operation in operations))
    return rpc.TxnRequest(
        success=[rpc.RequestOp(request_range=rpc.RangeRequest(key=key, keys_only=True)) for key in keys]
    )


def looked(operations: Operations, answer: rpc.TxnResponse) -> int | Mismatch | list[Delete]:
    """Of deletions of what may be gone: the store's revision when all is gone, or what fails, or the same with what
    each was found to be expected, so that one of them deletes something surely."""
    at, *found = (_revision(read.response_range) for read in answer.responses)
    for operation, revision in zip(operations, found, strict=True):
        if operation.expected is not None and revision != operation.expected:
            return Mismatch(operation.key, operation.expected, revision)
    if not any(found):
        return at
    return [Delete(operation.key, revision) for operation, revision in zip(operations, found, strict=True)]


def _revision(found: rpc.RangeResponse) -> int:
    """0 of a key that is not there."""
    return found.kvs[0].mod_revision if found.kvs else 0
