"""Only what surely was not done may be done again."""

import grpc
import pytest

from master.store.etcd.answers import Meaning, meaning, remedy

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("code", "details", "expected"),
    [
        (UNAVAILABLE, "etcdserver: request timed out, possibly due to previous leader failure", Meaning.UNKNOWN),
        (UNAVAILABLE, "etcdserver: request timed out", Meaning.UNKNOWN),
        (UNAVAILABLE, "etcdserver: leader changed", Meaning.UNKNOWN),
        (UNAVAILABLE, "Socket closed", Meaning.UNKNOWN),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", Meaning.UNKNOWN),
        (grpc.StatusCode.UNKNOWN, "context canceled", Meaning.UNKNOWN),
        (UNAVAILABLE, "etcdserver: no leader", Meaning.NOT_DONE),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "etcdserver: too many requests", Meaning.NOT_DONE),
        (UNAVAILABLE, "failed to connect to all addresses; last error: refused", Meaning.NOT_DONE),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", Meaning.REFUSED),
        (grpc.StatusCode.INVALID_ARGUMENT, "etcdserver: request is too large", Meaning.REFUSED),
        (grpc.StatusCode.PERMISSION_DENIED, "etcdserver: permission denied", Meaning.REFUSED),
        (grpc.StatusCode.UNAUTHENTICATED, "etcdserver: invalid auth token", Meaning.STALE_TOKEN),
        (
            grpc.StatusCode.OUT_OF_RANGE,
            "etcdserver: mvcc: required revision has been compacted",
            Meaning.COMPACTED,
        ),
        (grpc.StatusCode.OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision", Meaning.FUTURE),
    ],
)
def test_what_an_error_means(code: grpc.StatusCode, details: str, expected: Meaning) -> None:
    assert meaning(code, details) is expected


def test_a_refusal_names_what_to_do() -> None:
    assert "--max-request-bytes" in remedy("etcdserver: request is too large")
    assert remedy("what nobody knows") == "look at etcd's log"
