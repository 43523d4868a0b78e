"""What etcd's refusals mean: https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go. Pure."""

from __future__ import annotations

from enum import Enum, auto

import grpc

_COMPACTED = "etcdserver: mvcc: required revision has been compacted"
_FUTURE = "etcdserver: mvcc: required revision is a future revision"
_STALE_TOKEN = (
    "etcdserver: invalid auth token",
    "etcdserver: revision of auth store is old",
    "auth: revision in header",
)
# What is said before a request was proposed, by the member, or by gRPC where no connection could be made.
_NOT_PROPOSED = (
    "etcdserver: no leader",
    "etcdserver: not capable",
    "etcdserver: too many requests",
    "etcdserver: rpc not supported for learner",
    "raft proposal dropped",
    "failed to connect to all addresses",
)
_REMEDIES = {
    "etcdserver: mvcc: database space exceeded": "compact and defragment etcd, or raise --quota-backend-bytes, and "
    "disarm the alarm (etcdctl alarm disarm)",
    "grpc: received message larger than max": "give max_request_bytes as etcd's --max-request-bytes",
    "etcdserver: request is too large": "give max_request_bytes as etcd's --max-request-bytes, or write less at once",
    "etcdserver: too many operations in txn request": "give max_txn_ops as etcd's --max-txn-ops",
    "etcdserver: permission denied": "grant the user reading and writing below the prefix",
    "etcdserver: user name is empty": "etcd wants a user: give user and password, or a certificate whose CN is a user",
    "etcdserver: authentication failed, invalid user ID or password": "give the right user and password",
    "etcdserver: corrupt cluster": "etcd found that its members differ: restore the one that is wrong",
}
_REFUSED = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.DATA_LOSS,
    }
)


class Meaning(Enum):
    """What has become of a request that failed."""

    COMPACTED = auto()
    FUTURE = auto()
    STALE_TOKEN = auto()
    """Nothing was done: a new token is needed."""
    NOT_DONE = auto()
    """Nothing was done, and may be done when asked again, or by another member."""
    REFUSED = auto()
    """Nothing was done, and never will be."""
    UNKNOWN = auto()
    """It may have been done."""


def meaning(code: grpc.StatusCode, details: str) -> Meaning:
    """Of an error of a call."""
    if details == _COMPACTED:
        return Meaning.COMPACTED
    if details == _FUTURE:
        return Meaning.FUTURE
    if code is grpc.StatusCode.UNAUTHENTICATED or details.startswith(_STALE_TOKEN):
        return Meaning.STALE_TOKEN
    if details.startswith(_NOT_PROPOSED):
        return Meaning.NOT_DONE
    return Meaning.REFUSED if code in _REFUSED else Meaning.UNKNOWN


def remedy(details: str) -> str:
    """What to do about a refusal."""
    return next((told for said, told in _REMEDIES.items() if details.startswith(said)), "look at etcd's log")
